import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net'
import { Aedes } from 'aedes'
import { connectAsync } from 'mqtt'
import type { Demo, DeviceAccount } from '../demo-file.ts'

/** One message as a listener at a real broker heard it. */
type Heard = { topic: string; body: Record<string, unknown> }
/** One message as the broker received it, before anybody heard it. */
type Received = Heard & { dup: boolean; clientId: string }

export type TestBroker = {
  port: number
  url: string
  heard: Heard[]
  received: Received[]
  /** The one password of all accounts; any other is refused. */
  login: { password: string }
  say(topic: string, body: object): Promise<void>
  /** Ends with everything that is connected. */
  close(): Promise<void>
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

function bodyOf(payload: Uint8Array | string): Record<string, unknown> {
  return JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown>
}

/** A real Aedes, and a real client of the `mqtt` package that listens to everything. */
export async function startBroker(): Promise<TestBroker> {
  const login = { password: 'right' }
  const received: Received[] = []
  const aedes = await Aedes.createBroker({
    authenticate: (_client, _name, password, done) => done(null, String(password) === login.password),
    // Before the PUBACK, and with the packet as it came: Aedes' own `publish` event comes after, without its DUP flag.
    authorizePublish(client, { topic, payload, dup }, done) {
      if (client) received.push({ topic, body: bodyOf(payload), dup, clientId: client.id })
      done(null)
    },
  })
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    aedes.handle(socket)
  })
  const port = await listening(server)
  const url = `mqtt://127.0.0.1:${port}`
  const heard: Heard[] = []
  const listener = await connectAsync(url, { protocolVersion: 4, username: 'listener', ...login })
  listener.on('message', (topic, payload) => heard.push({ topic, body: bodyOf(payload) }))
  await listener.subscribeAsync('care/v1/#', { qos: 1 })
  return {
    port,
    url,
    heard,
    received,
    login,
    async say(topic, body) {
      await listener.publishAsync(topic, JSON.stringify(body), { qos: 1 })
    },
    async close() {
      await listener.endAsync(true)
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => aedes.close(() => resolve()))
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export type Relay = {
  port: number
  url: string
  /** While true, what the broker answers does not come through. */
  swallowAnswers: boolean
  /** Cuts every connection that goes through here. */
  cut(): void
  close(): Promise<void>
}

/** A wire between a device and the broker that can be cut. */
export async function startRelay(targetPort: number): Promise<Relay> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (device) => {
    const broker = tcpConnect({ port: targetPort, host: '127.0.0.1', noDelay: true })
    for (const [socket, other] of [
      [device, broker],
      [broker, device],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    device.on('data', (chunk) => broker.write(chunk))
    broker.on('data', (chunk) => {
      if (!relay.swallowAnswers) device.write(chunk)
    })
  })
  const port = await listening(server)
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  const relay: Relay = {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    swallowAnswers: false,
    cut,
    async close() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return relay
}

export const ALL_KINDS = [
  'sos-button',
  'smoke-detector',
  'gas-detector',
  'co-detector',
  'sleep-monitor',
  'gateway',
] as const

export function demoOf(url: string, homeIds: string[], password = 'right'): Demo {
  const devices = (homeId: string): DeviceAccount[] =>
    ALL_KINDS.map((kind) => ({ id: `${kind}-1`, kind, username: `${homeId}-${kind}`, password }))
  return { http: '', mqtt: url, users: [], homes: homeIds.map((id) => ({ id, devices: devices(id) })) }
}
