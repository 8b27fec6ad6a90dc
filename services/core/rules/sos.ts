import type { Observation } from '../../../devices/observation.ts'
import { findCondition, raise, settle } from './conditions.ts'
import type { DeviceMemory, Situation } from './home-state.ts'
import { inTestMode } from './test-mode.ts'

/** Presses that follow each other within this are one cry for help, counted. */
const SERIES_MS = 10 * 60_000
/** A press that reaches us later than this is told as a late one. */
const LATE_AFTER_MS = 5 * 60_000

/** SOS: every press is an emergency at once, also one that comes late. It is cancelled only where it came from. */
export function stepSos(memory: DeviceMemory, observation: Observation, situation: Situation): DeviceMemory {
  if (observation.kind !== 'sos') return memory
  if (observation.state === 'cancelled') return settle(memory, situation, 'sos', observation.at, 'ConditionCancelled')

  const before = findCondition(memory, 'sos')
  const test = observation.state === 'test' || inTestMode(situation)
  const goesOn = before !== undefined && before.test === test && situation.now - before.raisedAt < SERIES_MS
  const presses = goesOn ? before.count + 1 : 1
  const lateByMs = situation.now - observation.at
  return raise(memory, situation, {
    key: 'sos',
    severity: 'critical',
    why:
      lateByMs > LATE_AFTER_MS
        ? { code: 'sos-pressed-late', values: { presses, minutes: Math.round(lateByMs / 60_000) } }
        : { code: 'sos-pressed', values: { presses } },
    at: observation.at,
    test,
    count: presses,
  })
}
