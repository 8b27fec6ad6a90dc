import type { Observation } from '../../../devices/observation.ts'
import type { DeviceMemory, Situation } from './home-state.ts'

/**
 * A sleep mat says "occupied" of whatever lies on it, a dead weight too, and says it again with each reading. Somebody
 * lives there who came to lie on it, who moves, or who has a pulse or a breath that a living person can have.
 */

/** Wide on purpose: what is amiss inside them is the vitals' rule; only what no sleeping person has is left out. */
const HEART_RATE_PER_MIN = { least: 25, most: 220 }
const RESPIRATION_PER_MIN = { least: 4, most: 60 }

/** `before` and `after` are the mat's memory around the step that settled whether the bed is occupied. */
export function seeLifeInBed(
  before: DeviceMemory,
  after: DeviceMemory,
  observation: Observation,
  situation: Situation,
): DeviceMemory {
  // What is older than the bed's last word changed nothing of it; a first "occupied" is no change that was seen.
  if (!after.bed?.occupied || observation.at < after.bed.at) return after
  const layDown = before.bed?.occupied === false
  if (!layDown && !hasLife(observation, situation)) return after
  return { ...after, livedAt: Math.max(after.livedAt ?? 0, observation.at) }
}

function hasLife(observation: Observation, { home }: Situation): boolean {
  if (observation.kind !== 'measurement') return false
  const { heartRatePerMin, respirationPerMin, movement = 0, signalQuality = 1 } = observation.values
  if (movement > 0) return true
  if (signalQuality < home.settings.goodSignalQuality) return false
  return within(HEART_RATE_PER_MIN, heartRatePerMin) || within(RESPIRATION_PER_MIN, respirationPerMin)
}

function within({ least, most }: { least: number; most: number }, value: number | undefined): boolean {
  return value !== undefined && value >= least && value <= most
}
