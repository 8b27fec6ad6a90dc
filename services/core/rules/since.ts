import type { Observation } from '../../../devices/observation.ts'
import type { Since } from './home-state.ts'

/**
 * How long something holds, by the device's clock, while the timers run by ours. News that comes late may be a
 * backlog whose rest is still on its way, so its timer waits a moment for it; never longer than if it had come in time.
 */
const LATE_AFTER_MS = 30_000
export const BACKLOG_GRACE_MS = 10_000

/** What seems older than what is known already, and is to count all the same: it holds from when we heard it. */
export function asOfReceipt(observation: Observation): Observation {
  return { ...observation, at: observation.receivedAt }
}

export function beginSince({ at, receivedAt }: Observation): Since {
  return { at, receivedAt, lastAt: at, lastReceivedAt: receivedAt }
}

export function holdSince(since: Since, { at, receivedAt }: Observation): Since {
  return { ...since, lastAt: Math.max(since.lastAt, at), lastReceivedAt: receivedAt }
}

export function heldMs(since: Since): number {
  return since.lastAt - since.at
}

/** When, by our clock, it will have held for `limitMs` if nothing else is heard. */
export function sinceDueAt(since: Since, limitMs: number): number {
  const late = since.lastReceivedAt - since.lastAt > LATE_AFTER_MS
  const due = late ? Math.max(since.at + limitMs, since.lastReceivedAt + BACKLOG_GRACE_MS) : since.at + limitMs
  return Math.min(due, since.receivedAt + limitMs)
}
