import type { Socket } from 'node:net'
import type { Client } from 'aedes'
import type { Clock, Metrics } from '../ports.ts'
import type { AccountPresence } from './accounts-present.ts'
import type { IngestLimits } from './limits.ts'
import { countPublishes, packetBoundaries } from './packet-boundaries.ts'
import { spend } from './rate.ts'

const PUBACK_BYTES = 4
/** PUBACK, remaining length 2 [MQTT-3.4.1]. */
const PUBACK_HEADER = 0x4002

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

/**
 * One TCP connection before and beside Aedes. Aedes pulls bytes with `socket.read()`, so that is where a connection is
 * held back: nothing it sent is thrown away, TCP makes it wait.
 */
export class Connection {
  readonly socket: Socket
  /** Filters of granted subscriptions. */
  readonly filters = new Set<string>()
  client: Client | null = null
  presence: AccountPresence | null = null
  session = 0
  keepaliveMs = 0
  lastReadMs: number
  /** We ended it, so its last will says nothing about the device. */
  endedByUs = false
  readonly #clock: Clock
  readonly #limits: IngestLimits
  readonly #metrics: Metrics
  readonly #readSocket: (size?: number) => Buffer | null
  readonly #boundaries = packetBoundaries()
  readonly #connectTimer: NodeJS.Timeout
  #resumeTimer: NodeJS.Timeout | null = null
  #accepted = false
  #waiting = 0
  #acknowledged: number[] = []
  /** Since when the client takes no more of what we write. */
  #blockedSinceMs: number | null = null
  #stage: 'reading' | 'stopped' | 'discarding' = 'reading'

  constructor(socket: Socket, parts: { clock: Clock; limits: IngestLimits; metrics: Metrics }) {
    this.socket = socket
    this.#clock = parts.clock
    this.#limits = parts.limits
    this.#metrics = parts.metrics
    this.lastReadMs = parts.clock.monotonicMs()
    this.#readSocket = socket.read.bind(socket)
    // Node itself calls read(0), which only asks for more to be buffered.
    socket.read = (size) => (size === 0 ? this.#readSocket(0) : this.#read())
    this.#connectTimer = setTimeout(() => this.end('connect-too-slow'), parts.limits.connectWithinMs)
    socket.once('close', () => {
      clearTimeout(this.#connectTimer)
      if (this.#resumeTimer) clearTimeout(this.#resumeTimer)
    })
  }

  /** CONNACK is on its way: from now on packets may be longer. */
  accepted(): void {
    this.#accepted = true
    clearTimeout(this.#connectTimer)
    this.#resume()
  }

  get isAccepted(): boolean {
    return this.#accepted
  }

  messageWaits(): void {
    this.#waiting++
  }

  messageSettled(): void {
    this.#waiting--
    if (this.#waiting === this.#limits.waitingMessagesPerConnection - 1) this.#resume()
  }

  /** The PUBACKs of one batch leave in one write. */
  acknowledge(packetId: number): void {
    if (this.#acknowledged.push(packetId) === 1) queueMicrotask(this.#writeAcknowledged)
  }

  readonly #writeAcknowledged = (): void => {
    const bytes = Buffer.allocUnsafe(this.#acknowledged.length * PUBACK_BYTES)
    let at = 0
    for (const packetId of this.#acknowledged) {
      at = bytes.writeUInt16BE(PUBACK_HEADER, at)
      at = bytes.writeUInt16BE(packetId, at)
    }
    this.#acknowledged = []
    if (this.socket.writable && !this.socket.write(bytes)) this.#waitForDrain()
  }

  /** Who reads no answers is not read either, or its answers would pile up here. */
  #waitForDrain(): void {
    if (this.#blockedSinceMs !== null) return
    this.#blockedSinceMs = this.#clock.monotonicMs()
    this.socket.once('drain', () => {
      this.#blockedSinceMs = null
      this.#resume()
    })
  }

  /** Ends a connection that shows no sign of life, or takes no answers. */
  checkAlive(nowMs: number): void {
    if (this.#blockedSinceMs !== null) {
      if (nowMs - this.#blockedSinceMs > this.#limits.slowReaderMs) this.end('slow-reader')
    } else if (this.keepaliveMs > 0 && this.#silentFor(nowMs) > this.keepaliveMs) this.end('keep-alive')
  }

  /** A connection that we do not read cannot show that it lives. */
  #silentFor(nowMs: number): number {
    return this.#isHeld() || this.#waiting > 0 ? 0 : nowMs - this.lastReadMs
  }

  end(reason: EndReason): void {
    if (this.socket.destroyed) return
    this.endedByUs = reason !== 'keep-alive'
    this.#metrics.count('anlin_connections_closed_total', 1, { reason })
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
    return this.#waiting >= this.#limits.waitingMessagesPerConnection
  }

  #read(): Buffer | null {
    if (this.#stage === 'discarding') {
      this.#readSocket()
      return null
    }
    if (this.#isHeld()) return null
    const chunk = this.#readSocket()
    if (chunk === null) return null
    this.lastReadMs = this.#clock.monotonicMs()
    const { packetBytes, packetBytesBeforeConnack } = this.#limits
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
      this.lastReadMs = this.#clock.monotonicMs()
      this.#resume()
    }, pauseMs)
  }

  /** Aedes reads when it is told that there may be something. */
  #resume(): void {
    if (!this.socket.destroyed) this.socket.emit('readable')
  }
}
