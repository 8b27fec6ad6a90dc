import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import type { Aedes, Client } from 'aedes'
import type {
  AccountDirectory,
  Change,
  ChangeFeed,
  Clock,
  Hints,
  HomeIncidents,
  Log,
  LogAppend,
  Metrics,
} from '../ports.ts'
import { type AccountRecheck, createAccountRecheck } from './account-recheck.ts'
import { createAccountsPresent } from './accounts-present.ts'
import { brokerHandlers } from './broker-handlers.ts'
import { Connection, connectionOf } from './connection.ts'
import { createDeviceNotices, type DeviceNotices } from './device-notices.ts'
import { errorCode } from './error-code.ts'
import { GroupCommit } from './group-commit.ts'
import { INGEST_LIMITS, type IngestLimits } from './limits.ts'
import { createLogins } from './logins.ts'
import { createStoringBroker, receivedQos2 } from './storing-broker.ts'

const CHECK_MS = 500
const TCP_KEEPALIVE_MS = 60_000

export type IngestOptions = {
  port: number
  host: string
  tls?: { port: number; cert: string | Buffer; key: string | Buffer }
  accounts: AccountDirectory
  logAppend: LogAppend
  homeIncidents: HomeIncidents
  changes: Pick<ChangeFeed, 'subscribe'>
  hints: Hints
  clock: Clock
  log: Log
  metrics: Metrics
  limits?: Partial<IngestLimits>
}

export type Ingest = {
  port: number
  url: string
  tlsPort: number | null
  /** Stops accepting and reading, commits what was read, answers it, and then closes. */
  close(): Promise<void>
}

/** Takes what devices publish and tells them what becomes of their home's incidents. Any number may run on one database. */
export async function startIngest(options: IngestOptions): Promise<Ingest> {
  const { accounts, clock, log, metrics, logAppend, hints } = options
  const limits = { ...INGEST_LIMITS, ...options.limits }
  const connections = new Set<Connection>()
  const commits = new GroupCommit({ logAppend, hints, clock, log, metrics, limits })
  const present = createAccountsPresent({ clock, limits })
  const notices = createDeviceNotices({ homeIncidents: options.homeIncidents, present, clock, log })
  const logins = createLogins(accounts, clock)
  const recheck = createAccountRecheck({ logins, present, log })
  const received = receivedQos2()
  const handlers = { accounts, logins, present, recheck, commits, received, clock, log, metrics, limits }
  const broker = await createStoringBroker({
    ...brokerHandlers(handlers),
    // The connection itself is the first to say that CONNECT is late.
    connectWithinMs: limits.connectWithinMs + 2 * CHECK_MS,
    received,
  })
  listenToBroker(broker, { notices, log, metrics })

  function onClosed(connection: Connection): void {
    connections.delete(connection)
    present.leave(connection)
    metrics.gauge('anlin_mqtt_connections', connections.size)
  }

  const parts = { clock, limits, metrics, onClosed }
  function accept(socket: Socket): void {
    const connection = new Connection(socket, parts)
    if (connections.size >= limits.connections) {
      socket.on('error', () => undefined)
      connection.end('too-many-connections')
      return
    }
    connections.add(connection)
    metrics.gauge('anlin_mqtt_connections', connections.size)
    connection.client = broker.handle(socket)
  }

  const keepalive = setInterval(() => {
    const nowMs = clock.monotonicMs()
    for (const connection of connections) connection.checkAlive(nowMs)
  }, CHECK_MS)
  const unsubscribe = options.changes.subscribe(onChanges(notices, recheck))
  const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS }
  const server = createServer(socketOptions, accept)
  const port = await listen(server, options.port, options.host)
  const { tls } = options
  const tlsServer = tls
    ? secureServer({ ...socketOptions, handshakeTimeout: limits.connectWithinMs, ...tls }, accept)
    : null
  const tlsPort = tls && tlsServer ? await listen(tlsServer, tls.port, options.host) : null

  return {
    port,
    tlsPort,
    url: `mqtt://${options.host}:${port}`,
    async close() {
      server.close()
      tlsServer?.close()
      unsubscribe()
      recheck.close()
      notices.close()
      clearInterval(keepalive)
      await drain([...connections], commits, limits)
      await new Promise<void>((resolve) => broker.close(resolve))
      for (const connection of connections) connection.socket.destroy()
      commits.close()
    },
  }
}

function secureServer(options: TlsOptions, accept: (socket: Socket) => void): Server {
  return createTlsServer(options, accept).on('tlsClientError', (_error, socket) => socket.destroy())
}

/** Changes are told by whoever made them: an incident moved, a device or its account is no longer what it was. */
function onChanges(notices: DeviceNotices, recheck: AccountRecheck): (changes: Change[]) => void {
  return (changes) => {
    for (const { kind, homeId, ref } of changes) {
      if (kind === 'incident') notices.changed(homeId)
      if (kind === 'device') recheck.deviceChanged(homeId, ref)
    }
  }
}

/** Everything that was read is committed and answered before its connection ends. */
async function drain(connections: Connection[], commits: GroupCommit, limits: IngestLimits): Promise<void> {
  for (const connection of connections) connection.stopReading()
  await within(limits.drainMs, commits.idle())
  // The last answers are written some turns of the event loop after their commit (QoS 2 asks its store first).
  await turns(3)
  const closed = connections.map(
    ({ socket }) => new Promise<void>((resolve) => (socket.destroyed ? resolve() : socket.once('close', resolve))),
  )
  for (const connection of connections) connection.finish()
  await within(limits.lingerMs, Promise.all(closed))
}

async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

type Listening = {
  notices: DeviceNotices
  log: Log
  metrics: Metrics
}

function listenToBroker(broker: Aedes, { notices, log, metrics }: Listening): void {
  broker.on('clientReady', (client) => {
    const connection = connectionOf(client)
    connection?.accepted()
    if (connection && !client.clean) notices.greet(connection)
  })
  broker.on('subscribe', (_subscriptions, client) => {
    const connection = connectionOf(client)
    if (connection) notices.greet(connection)
  })
  broker.on('unsubscribe', (filters, client) => {
    for (const filter of filters) connectionOf(client)?.unsubscribed(filter)
  })
  const failed = (_client: Client, error: Error) => {
    log.debug({ code: errorCode(error) }, 'an MQTT connection failed')
    if (error.message === 'unacceptable protocol version')
      metrics.count('anlin_logins_refused_total', 1, { reason: 'protocol-version' })
  }
  broker.on('clientError', failed)
  broker.on('connectionError', failed)
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      const address = server.address()
      resolve(address !== null && typeof address === 'object' ? address.port : port)
    })
  })
}
