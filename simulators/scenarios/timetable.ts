import { communityTime } from '../homes/resident.ts'
import type { Scenario, Step } from './scenario.ts'

const MINUTE_MS = 60_000
const DAY_MINUTES = 24 * 60
/** A device's clock is believed 24 hours back; an hour of it is left for the scenario itself. */
const BELIEVED_MINUTES = DAY_MINUTES - 60

/** A step with both its times: when it is sent, and what its message says. */
export type TimedStep = { step: Step; sendAtMs: number; saysAtMs: number }

/**
 * Lays a scenario out from `nowMs`. At speed 1 a message says the time it is sent. Faster, it is sent like a gateway's
 * backlog: what it says is in the past, in life's own distances, and never later than the time it is sent.
 */
export function timetable(scenario: Scenario, seed: number, speed: number, nowMs: number): TimedStep[] {
  const lastMs = Math.max(...scenario.build(seed, 0).map((step) => step.offsetMs))
  const beginMs = speed === 1 ? nowMs : beginning(scenario, nowMs + lastMs / speed - lastMs)
  const startMinute = Math.floor(communityTime(beginMs).minute)
  return scenario.build(seed, startMinute).map((step) => ({
    step,
    sendAtMs: nowMs + step.offsetMs / speed,
    saysAtMs: Math.round(beginMs + step.offsetMs),
  }))
}

/**
 * The last moment, not after `latestMs`, at which the scenario's own time of day stood on the community's clocks. Where
 * that is nearly a day ago a platform might no longer believe it; then its hour has only just passed, and now will do.
 */
function beginning(scenario: Scenario, latestMs: number): number {
  if (scenario.startsAtMinute === null) return latestMs
  const minutesBack = (communityTime(latestMs).minute - scenario.startsAtMinute + DAY_MINUTES) % DAY_MINUTES
  return minutesBack > BELIEVED_MINUTES ? latestMs : latestMs - minutesBack * MINUTE_MS
}
