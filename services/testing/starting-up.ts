import type { Socket } from 'node:net'

/** Says what a PostgreSQL says to whoever connects while it reads its journal after a crash: 57P03, as when it ends. */
export const saysStartingUp = (socket: Socket): void => saysUnready(socket, 'starting up')
export const saysShuttingDown = (socket: Socket): void => saysUnready(socket, 'shutting down')

function saysUnready(socket: Socket, what: string): void {
  const fields = ['SFATAL', 'VFATAL', 'C57P03', `Mthe database system is ${what}`, ''].join('\0')
  const body = Buffer.from(`${fields}\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(body.length + 4, 1)
  socket.on('error', () => undefined)
  socket.once('data', () => socket.end(Buffer.concat([head, body])))
}
