import type { Signal } from '../core/signal.ts'
import type { LogLag } from '../ports.ts'
import { learnJumps } from './jumps.ts'
import type { RulesMemory } from './memory.ts'

/** A larger jump of the database's clock against the monotonic one is an incident for the operators. */
const CLOCK_JUMP_MS = 10_000
/** Every alarm waits for the oldest open writing transaction of the cluster: over this it is the operator's business. */
const OPEN_XID_ALARM_MS = 1_000

/** The database's clock, read somewhere between two moments of our monotonic clock. */
type ClockSample = { sentMs: number; receivedMs: number; databaseMs: number }

/** What a sweep looks at before it folds: who lags, how old the oldest transaction is, and whether the clock jumped. */
export function createWatch<State>(memory: RulesMemory<State>): () => Promise<LogLag> {
  const { store, clock, log, metrics } = memory
  const markUnread = createMarking(memory)
  let before: ClockSample | null = null
  return async () => {
    const sentMs = clock.monotonicMs()
    const lag = await store.readLag()
    const sample = { sentMs, receivedMs: clock.monotonicMs(), databaseMs: lag.nowMs }
    const gapMs = before === null ? 0 : gapBetween(before, sample)
    before = sample
    markUnread(lag)
    metrics.gauge('anlin_reader_lag_seconds', lagSeconds(lag), { reader: 'rules' })

    const openXidMs = await store.oldestOpenXidAgeMs()
    metrics.gauge('anlin_oldest_transaction_seconds', openXidMs / 1000)
    if (openXidMs > OPEN_XID_ALARM_MS) {
      log.warn({ ageMs: Math.round(openXidMs) }, 'an open transaction hides everything newer from the rules')
    }

    const jumped = Math.abs(gapMs) > CLOCK_JUMP_MS
    if (jumped) {
      log.error({ gapMs: Math.round(gapMs) }, "the database's clock jumped: silence is measured anew from here")
      await store.recordClockJump({ gapMs, signal: clockJumpSignal(gapMs, lag.nowMs) })
    }
    // A worker that starts looks once whether some home is still behind.
    await learnJumps(memory, lag.epoch, jumped)
    return lag
  }
}

/**
 * What is at hand is read at its own pace, unless the log has something of it that is not here: the same row in two looks
 * in a row, for the rules may just have committed it.
 */
function createMarking<State>(memory: RulesMemory<State>): (lag: LogLag) => void {
  const { kept, pace } = memory
  let suspects = new Map<number, number>()
  return ({ lagging }) => {
    const before = suspects
    suspects = new Map()
    for (const { shard, oldestReceivedAt } of lagging) {
      if (!kept.isAtHand(shard)) pace.hurry(shard)
      else if (kept.waiting(shard) > 0 || isInHand(memory, shard)) pace.mark(shard)
      else if (before.get(shard) !== oldestReceivedAt) suspects.set(shard, oldestReceivedAt)
      else {
        kept.forget([shard])
        pace.hurry(shard)
      }
    }
  }
}

function isInHand<State>({ passing, underway }: RulesMemory<State>, shard: number): boolean {
  return passing.has(shard) || (underway?.cursors.some((cursor) => cursor.shard === shard) ?? false)
}

function lagSeconds({ nowMs, lagging }: LogLag): number {
  return lagging.reduce((oldest, shard) => Math.max(oldest, (nowMs - shard.oldestReceivedAt) / 1000), 0)
}

/**
 * By how much the database's clock moved besides the time that passed: 0 as long as the two readings can be explained
 * by how long the answers took. Positive: forward.
 */
function gapBetween(before: ClockSample, after: ClockSample): number {
  const moved = after.databaseMs - before.databaseMs
  const least = after.sentMs - before.receivedMs
  const most = after.receivedMs - before.sentMs
  if (moved > most) return moved - most
  if (moved < least) return moved - least
  return 0
}

function clockJumpSignal(gapMs: number, nowMs: number): Signal {
  return {
    type: 'ConditionRaised',
    kind: 'technical',
    subject: 'platform:clock',
    severity: 'technical',
    deviceId: 'platform',
    deviceKind: 'gateway',
    room: null,
    at: nowMs,
    receivedAt: nowMs,
    why: { code: 'clock-jumped', values: { gapSeconds: Math.round(gapMs / 1000) } },
    test: false,
  }
}
