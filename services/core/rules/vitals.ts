import type { Observation } from '../../../devices/observation.ts'
import type { WhyCode } from '../signal.ts'
import { findCondition, raise, settle } from './conditions.ts'
import type { DeviceMemory, Situation, VitalMemory, VitalsMemory } from './home-state.ts'
import type { HomeSettings } from './settings.ts'

/**
 * Heart rate and respiration in the red band, in bed and with a good signal, for a while: a reason to look in,
 * never a diagnosis, so a warning and nothing more. It is over when the band was left for as long.
 */

/** Two readings farther apart than this say nothing about the time between them. */
const LONGEST_GAP_MS = 5 * 60_000
const NOTHING: VitalMemory = {}

type Vital = 'heart-rate' | 'respiration'
type Values = { heartRatePerMin?: number; respirationPerMin?: number }

export function stepVitals(memory: DeviceMemory, observation: Observation, situation: Situation): DeviceMemory {
  if (observation.kind !== 'measurement') return memory
  const { heartRatePerMin, respirationPerMin } = observation.values
  if (heartRatePerMin === undefined && respirationPerMin === undefined) return memory
  const before = memory.vitals
  const { settings } = situation.home
  const usable = isUsable(memory, observation, settings)
  const older = observation.at < (before?.at ?? 0)
  // The monitor's clock may have been set back: what is in the red band begins anew by the time it tells now.
  if (older && !(usable && isRed(observation.values, settings))) return memory
  const gap = before === undefined || older || observation.at - before.at > LONGEST_GAP_MS
  const judgeVital = (vital: Vital, known: VitalMemory, value: number | undefined): VitalMemory =>
    usable ? nextVital(known, bandOf(vital, value, settings), value, observation.at) : NOTHING
  const heart = judgeVital('heart-rate', gap ? NOTHING : before.heartRate, heartRatePerMin)
  const breath = judgeVital('respiration', gap ? NOTHING : before.respiration, respirationPerMin)
  const vitals: VitalsMemory = { at: observation.at, heartRate: heart, respiration: breath }
  const judged = judge({ ...memory, vitals }, situation, 'heart-rate', heart, heartRatePerMin)
  return judge(judged, situation, 'respiration', breath, respirationPerMin)
}

/** Who is up has no reading here: what was in the red band is over, and the next night is judged anew. */
export function endVitalsOutOfBed(
  before: DeviceMemory,
  after: DeviceMemory,
  at: number,
  situation: Situation,
): DeviceMemory {
  if (!before.bed?.occupied || after.bed?.occupied !== false) return after
  return settle(settle(after, situation, 'heart-rate', at), situation, 'respiration', at)
}

function isRed({ heartRatePerMin, respirationPerMin }: Values, settings: HomeSettings): boolean {
  const heart = bandOf('heart-rate', heartRatePerMin, settings)
  return heart !== null || bandOf('respiration', respirationPerMin, settings) !== null
}

function nextVital(known: VitalMemory, band: WhyCode | null, value: number | undefined, at: number): VitalMemory {
  if (!value) return known
  return band === null ? { calm: known.calm ?? at } : { red: known.red ?? at }
}

/** A device that never says how good its signal is, is taken at its word. */
function isUsable(memory: DeviceMemory, observation: Observation & { kind: 'measurement' }, settings: HomeSettings) {
  const inBed = memory.bed?.occupied ?? false
  return inBed && (observation.values.signalQuality ?? 1) >= settings.goodSignalQuality
}

function judge(
  memory: DeviceMemory,
  situation: Situation,
  vital: Vital,
  { red, calm }: VitalMemory,
  value: number | undefined,
): DeviceMemory {
  const at = memory.vitals?.at ?? 0
  const forMs = situation.home.settings.vitalsForSeconds * 1000
  if (red !== undefined && at - red >= forMs && value !== undefined) {
    const code = bandOf(vital, value, situation.home.settings)
    if (code === null) return memory
    const why = { code, values: { perMin: Math.round(value), seconds: Math.round((at - red) / 1000) } }
    return raise(memory, situation, { key: vital, severity: 'warning', why, at })
  }
  const isOver = calm !== undefined && at - calm >= forMs && findCondition(memory, vital) !== undefined
  return isOver ? settle(memory, situation, vital, at) : memory
}

/** Zero is how sensors say that they have no reading; a breathing pause is a rule of its own. */
function bandOf(vital: Vital, value: number | undefined, settings: HomeSettings): WhyCode | null {
  if (!value) return null
  switch (vital) {
    case 'heart-rate':
      if (value <= settings.heartRateLowPerMin) return 'heart-rate-low'
      return value >= settings.heartRateHighPerMin ? 'heart-rate-high' : null
    case 'respiration':
      if (value <= settings.respirationLowPerMin) return 'respiration-low'
      return value >= settings.respirationHighPerMin ? 'respiration-high' : null
  }
}
