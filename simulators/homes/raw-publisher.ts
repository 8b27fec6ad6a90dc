import { createConnection, type Socket } from 'node:net'
import type { RecordableHistogram } from 'node:perf_hooks'
import { generate } from 'mqtt-packet'
import { CONNACK, DISCONNECT, frameReader, PINGREQ, PUBACK, publishBytes, writePublish } from './raw-frames.ts'

/** Packet ids are 16 bits and 0 is none, so no more can ever be on the way [MQTT-2.3.1]. */
const MAX_INFLIGHT = 65_535
const DEFAULT_INFLIGHT = 20
const DEFAULT_KEEPALIVE_S = 60
const CONNECT_WITHIN_MS = 10_000
/** What is published in one turn of the event loop leaves in one write; a longer message has a write of its own. */
const STAGE_BYTES = 16 * 1024
/** Spare stages kept for the next turn; more are left to the garbage collector. */
const MAX_SPARE_STAGES = 256

const spareStages: Buffer[] = []

export type RawPublisherOptions = {
  host: string
  port: number
  username: string
  password: string
  clientId: string
  /** Messages that may wait for their PUBACK (1 to 65,535). */
  maxInflight?: number
  keepaliveS?: number
  /** Each message leaves in a write of its own, as a device's does, instead of together with its turn's others. */
  ownWrites?: boolean
  /** Gets the time from `publish` to PUBACK of every message, in µs. Several connections may share one. */
  latency?: RecordableHistogram
  /** Called after a read that freed room: the moment to publish more. */
  onFree?: (publisher: RawPublisher) => void
  /** Called once, when the connection is gone without `end()`. */
  onLost?: (cause: Error) => void
}

export class RawPublisherError extends Error {
  readonly code: 'no-connection' | 'refused' | 'lost'
  /** The CONNACK's return code where the broker refused: 4 and 5 mean the account [MQTT-3.2.2.3]. */
  readonly returnCode: number | null
  constructor(code: RawPublisherError['code'], message: string, options?: { cause?: unknown; returnCode?: number }) {
    super(message, { cause: options?.cause })
    this.code = code
    this.returnCode = options?.returnCode ?? null
  }
}

export type Unacknowledged = { topic: Buffer; payload: Buffer | string }
type Waiting = Unacknowledged & { onAck: ((latencyUs: number) => void) | undefined }

/**
 * A QoS 1 publisher that costs next to nothing: it shares its processors with the broker that it loads. It does not
 * reconnect by itself: `unacknowledged()` is what the next connection has to send again.
 */
export class RawPublisher {
  sent = 0
  acknowledged = 0
  /** Whether the connection went away without `end()`. */
  lost = false
  readonly #options: RawPublisherOptions
  readonly #socket: Socket
  readonly #freeIds: number[]
  readonly #waiting: (Waiting | undefined)[]
  readonly #startedAt: Float64Array
  readonly #keepalive: NodeJS.Timeout
  #stage: Buffer | null = null
  #staged = 0
  #open = true
  #onDrained: (() => void)[] = []

  constructor(socket: Socket, options: RawPublisherOptions) {
    const inflight = Math.min(options.maxInflight ?? DEFAULT_INFLIGHT, MAX_INFLIGHT)
    this.#options = options
    this.#socket = socket
    this.#freeIds = Array.from({ length: inflight }, (_, index) => inflight - index)
    this.#waiting = new Array(inflight + 1)
    this.#startedAt = new Float64Array(inflight + 1)
    const pingEveryMs = ((options.keepaliveS ?? DEFAULT_KEEPALIVE_S) * 1000) / 2
    this.#keepalive = setInterval(() => socket.write(PINGREQ), pingEveryMs)
    this.#keepalive.unref()
  }

  /** Messages that may be published now; 0 once the connection is gone. */
  get free(): number {
    return this.#open ? this.#freeIds.length : 0
  }

  get inflight(): number {
    return this.sent - this.acknowledged
  }

  /** False, and nothing is sent, where no room is free: wait for `onFree`. */
  publish(topic: Buffer, payload: Buffer | string, onAck?: (latencyUs: number) => void, dup = false): boolean {
    const packetId = this.#open ? this.#freeIds.pop() : undefined
    if (packetId === undefined) return false
    this.#waiting[packetId] = { topic, payload, onAck }
    this.#startedAt[packetId] = performance.now()
    this.sent += 1
    const payloadBytes = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length
    const bytes = publishBytes(topic.length, payloadBytes)
    const publish = { topic, payload, payloadBytes, packetId, dup }
    if (this.#staged + bytes > STAGE_BYTES) this.#flush()
    if (bytes > STAGE_BYTES || this.#options.ownWrites) {
      const own = Buffer.allocUnsafe(bytes)
      writePublish(own, 0, publish)
      this.#socket.write(own)
      return true
    }
    if (this.#stage === null) {
      this.#stage = spareStages.pop() ?? Buffer.allocUnsafeSlow(STAGE_BYTES)
      queueMicrotask(() => this.#flush())
    }
    this.#staged = writePublish(this.#stage, this.#staged, publish)
    return true
  }

  #flush(): void {
    const stage = this.#stage
    if (stage === null) return
    this.#socket.write(stage.subarray(0, this.#staged), () => {
      if (spareStages.length < MAX_SPARE_STAGES) spareStages.push(stage)
    })
    this.#stage = null
    this.#staged = 0
  }

  /** For the connection alone: what the broker said. */
  onPuback(packetId: number): void {
    const waiting = this.#waiting[packetId]
    if (!waiting) return
    const latencyUs = Math.max(1, Math.round((performance.now() - (this.#startedAt[packetId] ?? 0)) * 1000))
    this.#waiting[packetId] = undefined
    this.#freeIds.push(packetId)
    this.acknowledged += 1
    this.#options.latency?.record(latencyUs)
    waiting.onAck?.(latencyUs)
  }

  /** For the connection alone: a read is over. */
  onRead(): void {
    if (this.inflight === 0) this.#settleDrained()
    if (this.free > 0) this.#options.onFree?.(this)
  }

  /** For the connection alone: the socket is gone. */
  onClosed(cause: Error): void {
    clearInterval(this.#keepalive)
    if (!this.#open) return
    this.#open = false
    this.lost = true
    this.#settleDrained()
    this.#options.onLost?.(cause)
  }

  /** Resolves when everything is acknowledged, or when the connection is gone. */
  drained(): Promise<void> {
    if (this.inflight === 0 || !this.#open) return Promise.resolve()
    return new Promise((resolve) => this.#onDrained.push(resolve))
  }

  #settleDrained(): void {
    for (const resolve of this.#onDrained.splice(0)) resolve()
  }

  /** Sent and never acknowledged, in no particular order; publish it again, marked as a duplicate, on the next connection. */
  unacknowledged(): Unacknowledged[] {
    return this.#waiting.flatMap((waiting) => (waiting ? [{ topic: waiting.topic, payload: waiting.payload }] : []))
  }

  /** Says goodbye and closes. Wait for `drained()` first where every answer counts. */
  end(): Promise<void> {
    this.#flush()
    this.#open = false
    this.#settleDrained()
    return new Promise((resolve) => {
      if (this.#socket.destroyed) return resolve()
      this.#socket.once('close', () => resolve())
      this.#socket.end(DISCONNECT)
    })
  }

  /** Gone without a word. */
  destroy(): void {
    this.#open = false
    this.#settleDrained()
    this.#socket.destroy()
  }
}

function connectPacket({ clientId, username, password, keepaliveS }: RawPublisherOptions): Buffer {
  const keepalive = keepaliveS ?? DEFAULT_KEEPALIVE_S
  const login = { username, password: Buffer.from(password) }
  return generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    clientId,
    keepalive,
    ...login,
  })
}

/** Resolves after the broker's CONNACK; rejects with RawPublisherError. */
export function connectRaw(options: RawPublisherOptions): Promise<RawPublisher> {
  const { host, port, username } = options
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, noDelay: true })
    const fail = (
      code: RawPublisherError['code'],
      message: string,
      more?: { cause?: unknown; returnCode?: number },
    ) => {
      socket.destroy()
      reject(new RawPublisherError(code, `connect ${username} to ${host}:${port}: ${message}`, more))
    }
    const timer = setTimeout(() => fail('no-connection', 'no answer'), CONNECT_WITHIN_MS)
    let publisher: RawPublisher | null = null
    let trouble: Error | null = null
    const read = frameReader((type, bytes, body) => {
      if (type === PUBACK) publisher?.onPuback(bytes.readUInt16BE(body))
      if (type !== CONNACK || publisher) return
      clearTimeout(timer)
      const returnCode = bytes[body + 1] ?? 255
      if (returnCode !== 0) return fail('refused', `refused with return code ${returnCode}`, { returnCode })
      publisher = new RawPublisher(socket, options)
      resolve(publisher)
    })
    socket.on('connect', () => socket.write(connectPacket(options)))
    socket.on('data', (chunk) => {
      try {
        read(chunk)
        publisher?.onRead()
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)))
      }
    })
    socket.on('error', (error) => {
      trouble = error
    })
    socket.on('close', () => {
      clearTimeout(timer)
      const cause = new RawPublisherError('lost', `connection of ${username} closed`, { cause: trouble })
      if (publisher) publisher.onClosed(cause)
      else fail('no-connection', trouble?.message ?? 'closed before an answer', { cause: trouble })
    })
  })
}
