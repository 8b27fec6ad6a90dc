import type { Socket } from 'node:net'

/** Says what a PostgreSQL says to whoever connects while it reads its journal after a crash. */
export function saysStartingUp(socket: Socket): void {
  const fields = ['SFATAL', 'VFATAL', 'C57P03', 'Mthe database system is starting up', ''].join('\0')
  const body = Buffer.from(`${fields}\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(body.length + 4, 1)
  socket.on('error', () => undefined)
  socket.once('data', () => socket.end(Buffer.concat([head, body])))
}
