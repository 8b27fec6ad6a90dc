import { setTimeout as sleep } from 'node:timers/promises'
import { Hush } from '../core/hush.ts'
import { logHintKey } from '../core/log-hint.ts'
import { SHARD_COUNT } from '../core/shard.ts'
import type { Appended, Clock, Hints, Log, LogAppend, LogMessage, Metrics } from '../ports.ts'
import { type CommitRetries, createCommitRetries } from './commit-retries.ts'
import { errorCode } from './error-code.ts'
import type { IngestLimits } from './limits.ts'

const STALL_CHECK_MS = 250
/** Alarms of one batch that are hinted by their home; a storm's further ones are found by their shards. */
const URGENT_HINTS = 64
/**
 * One with alarms in it takes at most so many others, for a short batch is committed sooner: any in a hush, and any
 * where more waits than a batch takes. Not every message of an alarm device is an alarm, and the others have to get on.
 */
const OTHERS_BESIDE_ALARMS = { hushed: 50, crowded: 200 }

/**
 * While messages come faster than they can be committed one by one, a commit begins at most so often: each costs the database
 * and us most of a ms however few messages it has. Alarms, and who sends alone, wait for none of it.
 */
const COMMIT_EVERY_MS = 10
/** With so many a commit is worth its cost. */
const ENOUGH_MESSAGES = 150
const FEW_MESSAGES = 4

/** A message on its way to disk. `settle` is called once: with true when it is there, with false when it was given up. */
export type WaitingMessage = LogMessage & {
  bytes: number
  arrivedMs: number
  /** The connection it came by: of one connection nothing overtakes anything, as its PUBACKs must not [MQTT-4.6.0-2]. */
  source: object
  settle(stored: boolean): void
}

type Options = {
  logAppend: LogAppend
  hints: Hints
  clock: Clock
  log: Log
  metrics: Metrics
  limits: IngestLimits
}

/**
 * One statement at a time takes what arrived while the last one was on its way, so batches grow with the load by
 * themselves. A batch whose commit failed or is unknown is tried again until it is stored; what cannot be stored in
 * time is given up together with its connections, so that the devices come back and send it again.
 */
export class GroupCommit {
  readonly #options: Options
  readonly #retries: CommitRetries
  readonly #stallCheck: NodeJS.Timeout
  #queue: WaitingMessage[] = []
  #inFlight: WaitingMessage[] = []
  #waitingBytes = 0
  #running = false
  /** Of the last batch: when it began, and how many messages it had. */
  #began = { atMs: Number.NEGATIVE_INFINITY, messages: 0 }
  /** After a batch with an alarm in it. */
  readonly #hush = new Hush()
  /** Ends the wait for more messages. */
  #hurry = () => {}
  #onIdle: (() => void)[] = []

  constructor(options: Options) {
    this.#options = options
    this.#retries = createCommitRetries(options.limits)
    this.#stallCheck = setInterval(() => this.#giveUpWhenStalled(), STALL_CHECK_MS)
  }

  append(message: WaitingMessage): void {
    this.#queue.push(message)
    this.#waitingBytes += message.bytes
    if (this.#waitingBytes > this.#options.limits.waitingBytes) this.#giveUp('bytes')
    if (message.lane === 0 || (this.#queue.length >= ENOUGH_MESSAGES && !this.#isHushed())) this.#hurry()
    if (this.#running) return
    this.#running = true
    // What arrives in the same turn of the event loop goes into the first batch.
    setImmediate(() => this.#run())
  }

  /** Resolves when nothing waits any more. */
  idle(): Promise<void> {
    return this.#running ? new Promise((resolve) => this.#onIdle.push(resolve)) : Promise.resolve()
  }

  close(): void {
    clearInterval(this.#stallCheck)
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      await this.#gather()
      const atMs = this.#options.clock.monotonicMs()
      const hasAlarms = this.#queue.some(({ lane }) => lane === 0)
      const isHushed = hasAlarms && (this.#hush.begin(atMs) || this.#hush.leftMs(atMs) > 0)
      const batch = this.#takeBatch(isHushed)
      // Given up meanwhile.
      if (batch.length === 0) continue
      this.#began = { atMs, messages: batch.length }
      this.#inFlight = batch
      const stored = await this.#store(batch)
      if (stored !== null) this.#settleStored(batch, stored)
      this.#inFlight = []
    }
    this.#running = false
    for (const resolve of this.#onIdle.splice(0)) resolve()
  }

  async #gather(): Promise<void> {
    const waitMs = this.#gatherMs()
    if (waitMs <= 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs)
      this.#hurry = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#hurry = () => {}
  }

  #gatherMs(): number {
    const nowMs = this.#options.clock.monotonicMs()
    if (this.#queue.some(({ lane }) => lane === 0)) return 0
    const isWorthIt = this.#began.messages < FEW_MESSAGES || this.#queue.length >= ENOUGH_MESSAGES
    return Math.max(this.#hush.leftMs(nowMs), isWorthIt ? 0 : this.#began.atMs + COMMIT_EVERY_MS - nowMs)
  }

  #isHushed(): boolean {
    return this.#hush.leftMs(this.#options.clock.monotonicMs()) > 0
  }

  #takeBatch(isHushed: boolean): WaitingMessage[] {
    const { batchMessages, batchBytes } = this.#options.limits
    let most = batchMessages
    const others = isHushed ? OTHERS_BESIDE_ALARMS.hushed : OTHERS_BESIDE_ALARMS.crowded
    if (this.#queue.length > (isHushed ? others : batchMessages)) {
      const { queue, alarmed } = alarmsFirst(this.#queue)
      this.#queue = queue
      if (alarmed > 0) most = Math.min(alarmed + others, batchMessages)
    }
    let bytes = 0
    let count = 0
    for (const message of this.#queue) {
      bytes += message.bytes
      if (count === most || (count > 0 && bytes > batchBytes)) break
      count++
    }
    if (count < this.#queue.length) return this.#queue.splice(0, count)
    const batch = this.#queue
    this.#queue = []
    return batch
  }

  /** Null: it was given up meanwhile. */
  async #store(batch: WaitingMessage[]): Promise<Appended | null> {
    const { logAppend, log, metrics, clock } = this.#options
    for (;;) {
      try {
        const appended = await logAppend.append(batch)
        this.#retries.reset()
        return this.#inFlight === batch ? appended : null
      } catch (err) {
        metrics.count('anlin_commit_failures_total')
        if (this.#inFlight !== batch) return null
        const code = errorCode(err)
        const { pauseMs, isTold } = this.#retries.failed(code, clock.monotonicMs())
        if (isTold) log.warn({ code, messages: batch.length }, 'a batch is not stored or nobody knows: trying again')
        await sleep(pauseMs)
        if (this.#inFlight !== batch) return null
      }
    }
  }

  #settleStored(batch: WaitingMessage[], { isHandedOver }: Appended): void {
    const { hints, clock, metrics } = this.#options
    // Who has the rows has begun with them; a hint would say nothing new.
    const hinted = isHandedOver ? null : this.#hintAlarms(batch)
    const shards = new Set<number>()
    let urgent = 0
    for (const message of batch) {
      this.#waitingBytes -= message.bytes
      if (message.lane === 0) urgent++
      if (hinted && shards.size < SHARD_COUNT && !hinted.has(message.shard)) shards.add(message.shard)
      if (message.rejected !== null) metrics.count('anlin_messages_rejected_total', 1, { code: message.rejected })
      message.settle(true)
    }
    for (const shard of shards) hints.hint('log', logHintKey({ shard, homeId: null }))
    if (urgent > 0) metrics.count('anlin_messages_total', urgent, { lane: 'urgent' })
    if (urgent < batch.length) metrics.count('anlin_messages_total', batch.length - urgent, { lane: 'ordinary' })
    // The one that waited longest stands for its batch.
    metrics.observe('anlin_puback_seconds', (clock.monotonicMs() - oldestArrival(batch)) / 1000)
    metrics.gauge('anlin_commit_waiting_bytes', this.#waitingBytes)
  }

  /** Before the answers of a whole batch are written: an alarm's way goes on first. @returns the shards hinted */
  #hintAlarms(batch: WaitingMessage[]): ReadonlySet<number> {
    const alarms = new Map<string, number>()
    for (const { lane, homeId, shard } of batch) {
      if (lane === 0 && alarms.size < URGENT_HINTS) alarms.set(homeId, shard)
    }
    for (const [homeId, shard] of alarms) this.#options.hints.hint('log', logHintKey({ shard, homeId }))
    return new Set(alarms.values())
  }

  #giveUpWhenStalled(): void {
    const { clock, limits } = this.#options
    const waiting = this.#inFlight.length > 0 ? this.#inFlight : this.#queue
    if (clock.monotonicMs() - oldestArrival(waiting) > limits.waitingMs) this.#giveUp('time')
  }

  #giveUp(cause: 'bytes' | 'time'): void {
    const { log, metrics } = this.#options
    const given = [...this.#inFlight, ...this.#queue]
    this.#inFlight = []
    this.#queue = []
    this.#waitingBytes = 0
    log.error({ cause, messages: given.length }, 'the log does not take messages: closing the connections they came by')
    for (const message of given) message.settle(false)
    metrics.gauge('anlin_commit_waiting_bytes', 0)
  }
}

/** Not that of the first: connections with an alarm may have overtaken it. Infinity where there is none. */
function oldestArrival(messages: readonly WaitingMessage[]): number {
  return messages.reduce((oldest, { arrivedMs }) => Math.min(oldest, arrivedMs), Number.POSITIVE_INFINITY)
}

/**
 * What waits longer than a batch: connections with an alarm go first, each in its own order.
 * @returns the queue, and how many of its first messages are of such connections
 */
function alarmsFirst(queue: WaitingMessage[]): { queue: WaitingMessage[]; alarmed: number } {
  const sources = new Set<object>()
  for (const message of queue) if (message.lane === 0) sources.add(message.source)
  if (sources.size === 0) return { queue, alarmed: 0 }
  const first: WaitingMessage[] = []
  const rest: WaitingMessage[] = []
  for (const message of queue) (sources.has(message.source) ? first : rest).push(message)
  return { queue: first.concat(rest), alarmed: first.length }
}
