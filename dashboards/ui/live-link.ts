/** No word for so long and the page counts as cut off. The server sends a heartbeat every 5 s. */
const SILENCE_LIMIT_MS = 12_000
const TICK_MS = 1_000
const RETRY_MIN_MS = 1_000
const RETRY_MAX_MS = 10_000
const RETRY_JITTER_MS = 1_000
/** Facts are read anew this often even without an event, so that a lost hint costs a minute, never an untruth. */
const REREAD_MS = 60_000

export type StreamEvent = 'incident' | 'home' | 'device' | 'heartbeat' | 'reset'
export type StreamHandlers = {
  opened(): void
  failed(): void
  event(name: StreamEvent, data: string): void
}
export type ReadResult = 'read' | 'signed-out' | 'failed'

/** What the link needs from the browser; a test gives its own. */
type LinkPorts = {
  openStream(handlers: StreamHandlers): { close(): void }
  /** Reads everything the page shows; on `read` the page has it. */
  readSnapshot(): Promise<ReadResult>
  /** Asked when the stream is refused, because a stream cannot say why. */
  checkSession(): Promise<ReadResult>
  received(name: 'incident' | 'home' | 'device', data: string): void
  changed(): void
  /** Runs once after the delay; the returned function cancels. */
  after(delayMs: number, run: () => void): () => void
  monotonicMs(): number
  wallMs(): number
  /** 0 ≤ x < 1 */
  random(): number
}

export type LinkStatus = 'connecting' | 'live' | 'cut' | 'signed-out'
type Moment = { monotonicMs: number; wallMs: number }

/**
 * One connection to the platform and the knowledge of how old the page's facts are. A frozen connection fires no error
 * in a browser, so only a heartbeat that really arrived counts; and only once the snapshot of *this* connection is in.
 */
export class LiveLink {
  readonly #ports: LinkPorts
  #stream: { close(): void } | null = null
  #connection = 0
  #attempts = 0
  #caughtUp = false
  #reading = false
  #readAgain = false
  #signedOut = false
  #heard: Moment
  #heardThisConnection = false
  #confirmed: Moment | null = null
  #confirmedServerMs: number | null = null
  #serverAnchor: { serverMs: number; monotonicMs: number; connection: number } | null = null
  #cancelTick: (() => void) | null = null
  #cancelRetry: (() => void) | null = null
  #cancelReread: (() => void) | null = null
  #rereadDueMs = 0

  constructor(ports: LinkPorts) {
    this.#ports = ports
    this.#heard = this.#now()
  }

  start(): void {
    this.#signedOut = false
    this.#connect()
    this.#tick()
  }

  stop(): void {
    this.#dropStream()
    this.#cancelTick?.()
    this.#cancelRetry?.()
    this.#cancelReread?.()
    this.#cancelTick = this.#cancelRetry = this.#cancelReread = null
  }

  status(): LinkStatus {
    if (this.#signedOut) return 'signed-out'
    if (this.#confirmed) return this.#since(this.#confirmed) <= SILENCE_LIMIT_MS ? 'live' : 'cut'
    return this.#attempts === 0 ? 'connecting' : 'cut'
  }

  /** The server's clock in epoch ms, carried forward by the monotonic clock; null before the first heartbeat. */
  serverNowMs(): number | null {
    if (!this.#serverAnchor) return null
    return this.#serverAnchor.serverMs + this.#ports.monotonicMs() - this.#serverAnchor.monotonicMs
  }

  /** The server's time when the page last knew that its facts were current. */
  confirmedServerMs(): number | null {
    return this.#confirmedServerMs
  }

  /** Reads the facts anew within `delayMs`; many calls in that time make one read. */
  rereadWithin(delayMs: number): void {
    const dueMs = this.#ports.monotonicMs() + delayMs
    if (this.#cancelReread && this.#rereadDueMs <= dueMs) return
    this.#cancelReread?.()
    this.#rereadDueMs = dueMs
    this.#cancelReread = this.#ports.after(delayMs, () => {
      this.#cancelReread = null
      if (this.#caughtUp) void this.#catchUp(this.#connection)
    })
  }

  #now(): Moment {
    return { monotonicMs: this.#ports.monotonicMs(), wallMs: this.#ports.wallMs() }
  }

  /** The longer of both clocks: the monotonic one may stand still while a laptop sleeps, the wall clock may be set. */
  #since(moment: Moment): number {
    return Math.max(this.#ports.monotonicMs() - moment.monotonicMs, this.#ports.wallMs() - moment.wallMs)
  }

  #connect(): void {
    this.#dropStream()
    this.#connection += 1
    const connection = this.#connection
    const current = (): boolean => connection === this.#connection
    this.#heard = this.#now()
    this.#stream = this.#ports.openStream({
      opened: () => {
        if (current()) void this.#catchUp(connection)
      },
      failed: () => {
        if (current()) void this.#refused(connection)
      },
      event: (name, data) => {
        if (current()) this.#receive(name, data)
      },
    })
  }

  #dropStream(): void {
    this.#connection += 1
    this.#stream?.close()
    this.#stream = null
    this.#caughtUp = false
    this.#reading = false
    this.#readAgain = false
    this.#heardThisConnection = false
  }

  #retry(): void {
    this.#dropStream()
    const delayMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#attempts) + this.#ports.random() * RETRY_JITTER_MS
    this.#attempts = Math.min(this.#attempts + 1, 10)
    this.#cancelRetry?.()
    this.#cancelRetry = this.#ports.after(delayMs, () => {
      this.#cancelRetry = null
      this.#connect()
    })
    this.#ports.changed()
  }

  async #refused(connection: number): Promise<void> {
    this.#stream?.close()
    const session = await this.#ports.checkSession()
    if (connection !== this.#connection) return
    if (session === 'signed-out') this.#leave()
    else this.#retry()
  }

  #leave(): void {
    this.stop()
    this.#signedOut = true
    this.#ports.changed()
  }

  async #catchUp(connection: number): Promise<void> {
    this.#readAgain = this.#reading
    if (this.#reading) return
    this.#reading = true
    const result = await this.#ports.readSnapshot()
    if (connection !== this.#connection) return
    this.#reading = false
    if (result === 'signed-out') return this.#leave()
    if (result === 'failed') return this.#retry()
    // What was asked for while reading may be newer than what was read.
    if (this.#readAgain) return this.#catchUp(connection)
    this.#caughtUp = true
    this.rereadWithin(REREAD_MS)
    if (this.#heardThisConnection) this.#confirm()
    this.#ports.changed()
  }

  #receive(name: StreamEvent, data: string): void {
    if (name === 'heartbeat') this.#hear(data)
    else if (name === 'reset') {
      this.#caughtUp = false
      void this.#catchUp(this.#connection)
    } else this.#ports.received(name, data)
    this.#ports.changed()
  }

  #hear(data: string): void {
    const serverMs = readNow(data)
    if (serverMs === null) return
    const expectedMs = this.#serverAnchor?.connection === this.#connection ? this.serverNowMs() : null
    // A heartbeat that was long on its way shows a past in which everything may have been fine: it proves nothing.
    if (expectedMs !== null && expectedMs - serverMs > SILENCE_LIMIT_MS) return
    this.#serverAnchor = { serverMs, monotonicMs: this.#ports.monotonicMs(), connection: this.#connection }
    this.#heard = this.#now()
    this.#heardThisConnection = true
    if (this.#caughtUp) this.#confirm()
  }

  #confirm(): void {
    this.#attempts = 0
    this.#confirmed = this.#heard
    this.#confirmedServerMs = this.#serverAnchor?.serverMs ?? null
  }

  #tick(): void {
    this.#cancelTick = this.#ports.after(TICK_MS, () => this.#tick())
    if (this.#stream && this.#since(this.#heard) > SILENCE_LIMIT_MS) this.#retry()
    else this.#ports.changed()
  }
}

function readNow(data: string): number | null {
  try {
    const body: unknown = JSON.parse(data)
    if (typeof body !== 'object' || body === null || !('now' in body) || typeof body.now !== 'string') return null
    const nowMs = Date.parse(body.now)
    return Number.isNaN(nowMs) ? null : nowMs
  } catch {
    return null
  }
}
