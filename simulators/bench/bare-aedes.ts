import { createServer } from 'node:net'
import { Aedes } from 'aedes'

/** A broker that takes everybody and stores nothing, with Aedes' own defaults: what any Node.js broker starts from. */
const broker = new Aedes()
await broker.listen()
const server = createServer({ noDelay: true }, (socket) => void broker.handle(socket))
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.(typeof address === 'object' && address ? address.port : 0)
})
process.on('disconnect', () => process.exit(0))
