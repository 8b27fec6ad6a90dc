import { Socket } from 'node:net'
import type { Client } from 'aedes'
import type { Clock, Metrics } from '../ports.ts'
import type { AccountPresence } from './accounts-present.ts'
import type { IngestLimits } from './limits.ts'
import { countPublishes, packetBoundaries } from './packet-boundaries.ts'
import { spend } from './rate.ts'

const PUBACK_BYTES = 4
/** PUBACK, remaining length 2 [MQTT-3.4.1]. */
const PUBACK_HEADER = 0x4002
const CONNECTION = Symbol('connection')
const NO_FILTERS: ReadonlySet<string> = new Set()

/** Why ingest ended a connection; counted by it. */
export type EndReason =
  | 'packet-too-large'
  | 'connect-too-slow'
  | 'too-many-connections'
  | 'account-limit'
  | 'account-revoked'
  | 'keep-alive'
  | 'slow-reader'
  | 'not-stored'

type HeldSocket = Socket & { [CONNECTION]?: Connection }

/** Shared by all connections. */
type Parts = {
  clock: Clock
  limits: IngestLimits
  metrics: Metrics
  onClosed?: (connection: Connection) => void
}

/** The connection of an Aedes client. */
export function connectionOf({ conn }: Client): Connection | undefined {
  return (conn as HeldSocket)[CONNECTION]
}

/**
 * One TCP connection before and beside Aedes. Aedes pulls bytes with `socket.read()`, so that is where a connection is
 * held back: nothing it sent is thrown away, TCP makes it wait. Thousands of them stand idle, so none has a timer, a
 * function or a collection of its own before it needs one.
 */
export class Connection {
  readonly socket: Socket
  client: Client | null = null
  /** What CONNECT says of the account, until it is checked. */
  login: { username: string; secret: string } | null = null
  presence: AccountPresence | null = null
  session = 0
  keepaliveMs = 0
  lastReadMs: number
  /** We ended it, so its last will says nothing about the device. */
  endedByUs = false
  readonly #parts: Parts
  readonly #openedMs: number
  readonly #boundaries = packetBoundaries()
  #filters: Set<string> | null = null
  #resumeTimer: NodeJS.Timeout | null = null
  #accepted = false
  #waiting = 0
  #acknowledged: number[] | null = null
  /** Since when the client takes no more of what we write. */
  #blockedSinceMs: number | null = null
  #stage: 'reading' | 'stopped' | 'discarding' = 'reading'

  constructor(socket: HeldSocket, parts: Parts) {
    this.socket = socket
    this.#parts = parts
    this.#openedMs = parts.clock.monotonicMs()
    this.lastReadMs = this.#openedMs
    socket[CONNECTION] = this
    socket.read = readHeld
    socket.on('close', closeHeld)
  }

  /** CONNACK is on its way: from now on packets may be longer. */
  accepted(): void {
    this.#accepted = true
    this.#resume()
  }

  get isAccepted(): boolean {
    return this.#accepted
  }

  /** Filters of granted subscriptions. */
  get filters(): ReadonlySet<string> {
    return this.#filters ?? NO_FILTERS
  }

  subscribed(filter: string): void {
    this.#filters ??= new Set()
    this.#filters.add(filter)
  }

  unsubscribed(filter: string): void {
    this.#filters?.delete(filter)
  }

  messageWaits(): void {
    this.#waiting++
  }

  messageSettled(): void {
    this.#waiting--
    if (this.#waiting === this.#parts.limits.waitingMessagesPerConnection - 1) this.#resume()
  }

  /** The PUBACKs of one batch leave in one write. */
  acknowledge(packetId: number): void {
    if (this.#acknowledged) {
      this.#acknowledged.push(packetId)
      return
    }
    const packetIds = [packetId]
    this.#acknowledged = packetIds
    queueMicrotask(() => this.#writeAcknowledged(packetIds))
  }

  #writeAcknowledged(packetIds: number[]): void {
    this.#acknowledged = null
    const bytes = Buffer.allocUnsafe(packetIds.length * PUBACK_BYTES)
    let at = 0
    for (const packetId of packetIds) {
      at = bytes.writeUInt16BE(PUBACK_HEADER, at)
      at = bytes.writeUInt16BE(packetId, at)
    }
    if (this.socket.writable && !this.socket.write(bytes)) this.#waitForDrain()
  }

  /** Who reads no answers is not read either, or its answers would pile up here. */
  #waitForDrain(): void {
    if (this.#blockedSinceMs !== null) return
    this.#blockedSinceMs = this.#parts.clock.monotonicMs()
    this.socket.once('drain', () => {
      this.#blockedSinceMs = null
      this.#resume()
    })
  }

  /** Ends a connection that does not get through CONNECT, shows no sign of life, or takes no answers. */
  checkAlive(nowMs: number): void {
    const { limits } = this.#parts
    if (!this.#accepted && nowMs - this.#openedMs > limits.connectWithinMs) this.end('connect-too-slow')
    else if (this.#blockedSinceMs !== null) {
      if (nowMs - this.#blockedSinceMs > limits.slowReaderMs) this.end('slow-reader')
    } else if (this.keepaliveMs > 0 && this.#silentFor(nowMs) > this.keepaliveMs) this.end('keep-alive')
  }

  /** A connection that we do not read cannot show that it lives. */
  #silentFor(nowMs: number): number {
    return this.#isHeld() || this.#waiting > 0 ? 0 : nowMs - this.lastReadMs
  }

  end(reason: EndReason): void {
    if (this.socket.destroyed) return
    this.endedByUs = reason !== 'keep-alive'
    this.#parts.metrics.count('anlin_connections_closed_total', 1, { reason })
    this.socket.destroy()
  }

  /** First step of a shutdown: what was read is still answered, nothing more is read. */
  stopReading(): void {
    this.#stage = 'stopped'
    this.endedByUs = true
  }

  /**
   * Second step: say that no more comes, and read on without taking anything, for a socket closed over unread bytes is
   * reset, and a reset would overtake the last answers. What is thrown away here was never acknowledged.
   */
  finish(): void {
    this.#stage = 'discarding'
    this.socket.end()
    this.#resume()
  }

  #isHeld(): boolean {
    if (this.#blockedSinceMs !== null) return true
    if (this.#stage === 'stopped' || this.#resumeTimer !== null) return true
    if (!this.#accepted && this.#boundaries.packets > 0) return true
    return this.#waiting >= this.#parts.limits.waitingMessagesPerConnection
  }

  /** What Aedes gets when it reads. */
  read(): Buffer | null {
    if (this.#stage === 'discarding') {
      readSocket.call(this.socket)
      return null
    }
    if (this.#isHeld()) return null
    const chunk: Buffer | null = readSocket.call(this.socket)
    if (chunk === null) return null
    const { clock, limits } = this.#parts
    this.lastReadMs = clock.monotonicMs()
    const { packetBytes, packetBytesBeforeConnack } = limits
    const publishes = countPublishes(this.#boundaries, chunk, this.#accepted ? packetBytes : packetBytesBeforeConnack)
    if (publishes === null) {
      this.end('packet-too-large')
      return null
    }
    if (this.presence && publishes > 0) this.#pauseFor(spend(this.presence.allowance, publishes, this.lastReadMs))
    return chunk
  }

  #pauseFor(pauseMs: number): void {
    if (pauseMs === 0) return
    this.#resumeTimer = setTimeout(() => {
      this.#resumeTimer = null
      this.lastReadMs = this.#parts.clock.monotonicMs()
      this.#resume()
    }, pauseMs)
  }

  /** Aedes reads when it is told that there may be something. */
  #resume(): void {
    if (!this.socket.destroyed) this.socket.emit('readable')
  }

  /** The socket is closed, whoever closed it. */
  closed(): void {
    if (this.#resumeTimer) clearTimeout(this.#resumeTimer)
    this.#parts.onClosed?.(this)
  }
}

const readSocket = Socket.prototype.read

/** Stands in for a socket's own `read`. Node itself calls read(0), which only asks for more to be buffered. */
function readHeld(this: HeldSocket, size?: number): Buffer | null {
  const connection = this[CONNECTION]
  return size === 0 || !connection ? readSocket.call(this, size) : connection.read()
}

function closeHeld(this: HeldSocket): void {
  this[CONNECTION]?.closed()
}
