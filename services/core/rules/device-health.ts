import type { Observation } from '../../../devices/observation.ts'
import { raise, settle } from './conditions.ts'
import type { DeviceMemory, Situation } from './home-state.ts'

/** A battery that sways around a limit must not open and close a task with every message. */
const BATTERY_RECOVERED_ABOVE_PERCENT = 5

/** Battery: a task below the first limit, a warning below the second or when the device itself says so. */
export function stepBattery(memory: DeviceMemory, observation: Observation, situation: Situation): DeviceMemory {
  const said = readBattery(observation)
  if (said === null) return memory
  const { percent, low } = said
  const known = percent !== null && percent !== memory.batteryPercent ? { ...memory, batteryPercent: percent } : memory
  const { batteryTaskPercent, batteryWarningPercent } = situation.home.settings
  const values: Record<string, number> = percent === null ? {} : { percent: Math.round(percent) }
  const at = observation.at
  if (low === true || (percent !== null && percent <= batteryWarningPercent)) {
    return raise(known, situation, {
      key: 'battery',
      severity: 'warning',
      why: { code: 'battery-critical', values },
      at,
    })
  }
  if (percent !== null && percent <= batteryTaskPercent) {
    return raise(known, situation, { key: 'battery', severity: 'technical', why: { code: 'battery-low', values }, at })
  }
  const recovered = percent === null ? low === false : percent >= batteryTaskPercent + BATTERY_RECOVERED_ABOVE_PERCENT
  return recovered ? settle(known, situation, 'battery', at) : known
}

function readBattery(observation: Observation): { percent: number | null; low: boolean | null } | null {
  if (observation.kind === 'battery') return observation
  if (observation.kind !== 'measurement' || observation.values.batteryPercent === undefined) return null
  return { percent: observation.values.batteryPercent, low: null }
}

/** Opened housings and faults the device reports of itself, failed self-tests among them. */
export function stepDeviceFlags(memory: DeviceMemory, observation: Observation, situation: Situation): DeviceMemory {
  if (observation.kind !== 'tamper' && observation.kind !== 'fault') return memory
  const { kind, state, at } = observation
  if (state === 'cleared') return settle(memory, situation, kind, at)
  return raise(memory, situation, { key: kind, severity: 'technical', why: { code: kind, values: {} }, at })
}
