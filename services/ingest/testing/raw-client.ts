import { createConnection, type Socket } from 'node:net'
import { generate, type Packet, parser } from 'mqtt-packet'
import { vi } from 'vitest'
import type { Ingest } from '../ingest.ts'
import type { Account } from './ingest-harness.ts'

/** A client that sends exactly the bytes it is told to, and keeps every packet it gets. */
export type RawClient = {
  socket: Socket
  packets: Packet[]
  /** All bytes that came, in hexadecimal. */
  received(): string
  isClosed(): boolean
  send(bytes: Buffer | Packet): void
  /** Waits until a packet of this kind has come. */
  next(cmd: Packet['cmd'], messageId?: number): Promise<Packet>
  closed(): Promise<void>
}

export async function rawClient(ingest: Ingest): Promise<RawClient> {
  const socket = createConnection({ host: '127.0.0.1', port: ingest.port, noDelay: true })
  const packets: Packet[] = []
  const chunks: Buffer[] = []
  const incoming = parser()
  let closed = false
  incoming.on('packet', (packet) => packets.push(packet))
  socket.on('data', (chunk) => {
    chunks.push(chunk)
    incoming.parse(chunk)
  })
  socket.on('error', () => undefined)
  socket.once('close', () => {
    closed = true
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return {
    socket,
    packets,
    received: () => Buffer.concat(chunks).toString('hex'),
    isClosed: () => closed,
    send: (bytes) => void socket.write(Buffer.isBuffer(bytes) ? bytes : generate(bytes)),
    next: (cmd, messageId) =>
      vi.waitFor(() => {
        const found = packets.find((p) => p.cmd === cmd && (messageId === undefined || p.messageId === messageId))
        if (!found) throw new Error(`no ${cmd} yet`)
        return found
      }, 10_000),
    closed: () =>
      vi.waitFor(() => {
        if (!closed) throw new Error('still open')
      }, 10_000),
  }
}

type ConnectPacket = Extract<Packet, { cmd: 'connect' }>

export function connectPacket(account: Account, more: Partial<ConnectPacket> = {}): ConnectPacket {
  const { username, password } = account
  const login = { username, password: Buffer.from(password) }
  const base = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, clientId: 'raw', keepalive: 60 }
  return { ...base, ...login, ...more } as ConnectPacket
}

/** Connected and accepted. */
export async function rawLogin(
  ingest: Ingest,
  account: Account,
  more: Partial<ConnectPacket> = {},
): Promise<RawClient> {
  const client = await rawClient(ingest)
  client.send(connectPacket(account, more))
  await client.next('connack')
  return client
}

export function publishPacket(
  topic: string,
  payload: string | Buffer,
  more: { qos?: 0 | 1 | 2; messageId?: number; dup?: boolean } = {},
): Packet {
  const { qos = 1, messageId = 1, dup = false } = more
  return { cmd: 'publish', topic, payload, qos, dup, retain: false, ...(qos > 0 ? { messageId } : {}) }
}
