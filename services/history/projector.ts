import { setTimeout as sleep } from 'node:timers/promises'
import type { Decoder } from '../../devices/observation.ts'
import type { Hush } from '../core/hush.ts'
import type { AppendAndFinish, Clock, HistoryProgress, HistoryStore, Log, Metrics } from '../ports.ts'
import { createRowDecoder } from './decode-rows.ts'
import { retryAfterMsOf, type StopReason, stopReasonOf } from './delivery.ts'
import type { Handover } from './handed-over.ts'
import { createPassMemory, forgetProgress, MAX_POINTS_HANDED, type Pass, runPass } from './pass.ts'

/** How long a failed pass waits: doubled with each failure in a row, by chance up to half of it less. */
const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 15_000
/** A store that asks for longer is asked again after this all the same. */
const MAX_RETRY_AFTER_MS = 300_000
/** When somebody has to do something first, the store is asked this often whether it is done. */
const STOPPED_RETRY_MS = 30_000
/** Who finds another projector at work leaves it to it for this long. */
const STANDBY_MS = 3_000
const WATCH_EVERY_MS = 1_000
const DRAIN_LOOK_MS = 20
/**
 * While it catches up, the projector rests this share of what a pass took, for the alarms need the same database; and much
 * more of it while the rules are behind by over RULES_LAG_MS. What was handed over costs little now and much later.
 */
const REST_SHARE = { handed: 0.1, handedBehind: 0.5, ordinary: 0.5, rulesBehind: 4 }
const RULES_LAG_MS = 1_000

export type ProjectorParts = {
  progress: HistoryProgress
  store: HistoryStore
  /** Null where the store is not in the same database as the progress. */
  appendAndFinish: AppendAndFinish | null
  /** What the rules of this process decode; null where they run elsewhere. */
  handover: Handover | null
  /** Where alarms are on their way in this process, a batch waits for them. */
  hush: Hush
  decoder: Decoder
  clock: Clock
  log: Log
  metrics: Metrics
  shards: readonly number[]
}

export type Projector = {
  /** To be called with each sweep: begins to look for new rows, and waits for nothing. */
  sweep(): Promise<void>
  /** Age of the oldest row of the log that the history has not passed. @throws when the database is away */
  behindMs(): Promise<number>
  /** Resolves when every row of the log is passed, however long the history store is away. */
  drain(): Promise<void>
  /** Ends after the pass in hand. What is left undone is done by the next that starts. */
  close(): Promise<void>
}

/**
 * Fills the history store from the log, at its own pace: one loop, one bounded batch at a time, and the cursors move
 * only once the store has confirmed the batch. Several may run; one works and the others stand by.
 */
export async function startProjector(parts: ProjectorParts): Promise<Projector> {
  const { progress, clock, log, metrics, shards } = parts
  await progress.prepareCursors(shards)
  const rows = createRowDecoder({ decoder: parts.decoder, readDevices: progress.readDevices })
  const memory = createPassMemory({ ...parts, rows })
  const ending = new AbortController()
  const health = createHealth({ log, metrics })
  let watchedAt = Number.NEGATIVE_INFINITY
  let rulesBehind = false
  const looks = createLooks()

  async function watch(): Promise<void> {
    if (clock.monotonicMs() - watchedAt < WATCH_EVERY_MS) return
    watchedAt = clock.monotonicMs()
    metrics.gauge('anlin_reader_lag_seconds', (await progress.readBehindMs()) / 1000, { reader: 'history' })
    rulesBehind = (await progress.readRulesBehindMs()) > RULES_LAG_MS
  }

  const pause = (ms: number) => sleep(ms, undefined, { signal: ending.signal }).catch(() => undefined)

  async function step(): Promise<void> {
    const hushedMs = parts.hush.leftMs(clock.monotonicMs())
    if (hushedMs > 0) await pause(hushedMs)
    const beganAt = clock.monotonicMs()
    const next = looks.next()
    let done: Pass
    try {
      await watch()
      done = await runPass(memory)
      health.passed()
    } catch (error) {
      forgetProgress(memory)
      return pause(health.failed(error))
    }
    if (done === 'lost') return pause(STANDBY_MS)
    const tookMs = clock.monotonicMs() - beganAt
    if (done === 'handed') return pause(tookMs * (rulesBehind ? REST_SHARE.handedBehind : REST_SHARE.handed))
    if (done === 'more') return pause(tookMs * (rulesBehind ? REST_SHARE.rulesBehind : REST_SHARE.ordinary))
    await next
  }

  async function loop(): Promise<void> {
    while (!ending.signal.aborted) await step()
  }

  parts.handover?.whenever(MAX_POINTS_HANDED, looks.ask)
  const running = loop()

  return {
    async sweep() {
      looks.ask()
    },
    behindMs: () => progress.readBehindMs(),
    async drain() {
      while (!ending.signal.aborted && (await progress.readBehindMs()) > 0) {
        looks.ask()
        await pause(DRAIN_LOOK_MS)
      }
    },
    async close() {
      ending.abort()
      looks.ask()
      await running
    },
  }
}

/** Whoever waits for the next look goes on when it is asked for; a look that has begun already does not count as the next. */
function createLooks() {
  let waiting = Promise.withResolvers<void>()
  return {
    next: () => waiting.promise,
    ask(): void {
      const before = waiting
      waiting = Promise.withResolvers()
      before.resolve()
    },
  }
}

/** Says what keeps the history from growing, once a failure, and how long to wait before the next try. */
function createHealth({ log, metrics }: { log: Log; metrics: Metrics }) {
  let failures = 0
  let stopped: StopReason | null = null
  function show(reason: StopReason | null): void {
    if (stopped !== null && stopped !== reason) metrics.gauge('anlin_history_stopped', 0, { reason: stopped })
    if (reason !== null) metrics.gauge('anlin_history_stopped', 1, { reason })
    stopped = reason
  }
  return {
    passed(): void {
      if (failures > 0) log.info({ failures }, 'the history goes on')
      failures = 0
      show(null)
    },
    failed(err: unknown): number {
      failures += 1
      show(stopReasonOf(err))
      if (stopped !== null) {
        log.error(
          { err, reason: stopped },
          'the history stands still until somebody mends this; the log keeps everything',
        )
        return STOPPED_RETRY_MS
      }
      log.warn({ err, failures }, 'the history waits; the log keeps everything')
      const asked = retryAfterMsOf(err)
      if (asked !== null) return Math.min(Math.max(asked, FIRST_RETRY_MS), MAX_RETRY_AFTER_MS)
      const delayMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), MAX_RETRY_MS)
      return delayMs * (0.5 + Math.random() / 2)
    },
  }
}
