import type { Observation } from '../../../devices/observation.ts'
import { findCondition, raise, settle } from './conditions.ts'
import type { DeviceMemory, GasMemory, Situation } from './home-state.ts'
import type { HomeSettings } from './settings.ts'
import { beginSince, heldMs, holdSince, sinceDueAt } from './since.ts'
import { inTestMode } from './test-mode.ts'

/**
 * Combustible gas by its raw reading: raised above the first limit for a while, high above the second for a moment.
 * A reading holds until the next one, because many sensors report only what changes.
 */
export function stepGasLevel(memory: DeviceMemory, observation: Observation, situation: Situation): DeviceMemory {
  if (observation.kind !== 'measurement') return memory
  const percent = observation.values.gasLelPercent
  if (percent === undefined || observation.at < (memory.gas?.at ?? 0)) return memory
  const { settings } = situation.home
  if (percent < settings.gasWarnLelPercent) {
    const calm = memory.gas !== null && memory.gas.warn === null ? memory.gas : null
    const gas: GasMemory = calm?.at === observation.at ? calm : { at: observation.at, warn: null, alarm: null }
    return settle({ ...memory, gas }, situation, 'gas-level', observation.at)
  }
  const before = memory.gas
  const held = (since: GasMemory['warn']) => (since === null ? beginSince(observation) : holdSince(since, observation))
  const gas: GasMemory = {
    at: observation.at,
    warn: held(before?.warn ?? null),
    alarm: percent < settings.gasAlarmLelPercent ? null : held(before?.alarm ?? null),
  }
  return judge({ ...memory, gas }, gas, situation, observation.at, percent)
}

function judge(memory: DeviceMemory, gas: GasMemory, situation: Situation, at: number, percent: number): DeviceMemory {
  const { settings } = situation.home
  const known = findCondition(memory, 'gas-level')
  const isHigh = gas.alarm !== null && heldMs(gas.alarm) >= settings.gasAlarmForSeconds * 1000
  if (isHigh) return raiseLevel(memory, situation, 'critical', at, percent)
  const isRaised = gas.warn !== null && heldMs(gas.warn) >= settings.gasWarnForSeconds * 1000
  return isRaised && known?.severity !== 'critical' ? raiseLevel(memory, situation, 'warning', at, percent) : memory
}

function raiseLevel(
  memory: DeviceMemory,
  situation: Situation,
  severity: 'critical' | 'warning',
  at: number,
  percent: number,
): DeviceMemory {
  const code = severity === 'critical' ? 'gas-high' : 'gas-raised'
  const why = { code, values: { percent: Math.round(percent * 10) / 10 } } as const
  return raise(memory, situation, { key: 'gas-level', severity, why, at, test: inTestMode(situation) })
}

export function gasDueAt(memory: DeviceMemory, settings: HomeSettings): number | null {
  const { gas } = memory
  if (gas === null || gas.warn === null) return null
  const severity = findCondition(memory, 'gas-level')?.severity
  if (severity === 'critical') return null
  if (gas.alarm !== null) return sinceDueAt(gas.alarm, settings.gasAlarmForSeconds * 1000)
  return severity === undefined ? sinceDueAt(gas.warn, settings.gasWarnForSeconds * 1000) : null
}

/** Nothing else was heard: the last reading has held for long enough. */
export function fireGas(memory: DeviceMemory, situation: Situation): DeviceMemory {
  const { gas } = memory
  const { settings } = situation.home
  if (gas?.alarm) {
    const at = gas.alarm.at + settings.gasAlarmForSeconds * 1000
    return raiseLevel(memory, situation, 'critical', Math.min(at, situation.now), settings.gasAlarmLelPercent)
  }
  if (!gas?.warn) return memory
  const at = gas.warn.at + settings.gasWarnForSeconds * 1000
  return raiseLevel(memory, situation, 'warning', Math.min(at, situation.now), settings.gasWarnLelPercent)
}
