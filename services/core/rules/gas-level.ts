import type { Observation } from '../../../devices/observation.ts'
import { findCondition, raise, settle } from './conditions.ts'
import type { DeviceMemory, GasMemory, Since, Situation } from './home-state.ts'
import type { HomeSettings } from './settings.ts'
import { asOfReceipt, beginSince, heldMs, holdSince, sinceDueAt } from './since.ts'
import { inTestMode } from './test-mode.ts'

/**
 * Combustible gas by its raw reading: raised above the first limit for a while, high above the second for a moment.
 * A reading holds until the next one, because many sensors report only what changes. One that seems older than the
 * last takes nothing back, but what it says of danger holds from its receipt: the sensor's clock may have been set back.
 * If it was a backlog instead, the rest of it is read on from there.
 */
export function stepGasLevel(memory: DeviceMemory, observation: Observation, situation: Situation): DeviceMemory {
  if (observation.kind !== 'measurement') return memory
  const percent = observation.values.gasLelPercent
  if (percent === undefined) return memory
  const { gasWarnLelPercent, gasAlarmLelPercent } = situation.home.settings
  const older = observation.at < (memory.gas?.at ?? 0)
  if (older && percent < gasWarnLelPercent) return memory
  if (percent < gasWarnLelPercent) {
    return settle({ ...memory, gas: { at: observation.at, percent } }, situation, 'gas-level', observation.at)
  }
  const news = older ? asOfReceipt(observation) : observation
  const gas: GasMemory = { at: observation.at, percent, warn: held(memory.gas?.warn, news) }
  if (percent >= gasAlarmLelPercent) gas.alarm = held(memory.gas?.alarm, news)
  return judge({ ...memory, gas }, gas, situation)
}

function held(since: Since | undefined, observation: Observation): Since {
  return since === undefined ? beginSince(observation) : holdSince(since, observation)
}

function judge(memory: DeviceMemory, gas: GasMemory, situation: Situation): DeviceMemory {
  const { settings } = situation.home
  const known = findCondition(memory, 'gas-level')
  const isHigh = gas.alarm !== undefined && heldMs(gas.alarm) >= settings.gasAlarmForSeconds * 1000
  if (isHigh) return raiseLevel(memory, situation, 'critical', gas.at, gas.percent)
  const isRaised = gas.warn !== undefined && heldMs(gas.warn) >= settings.gasWarnForSeconds * 1000
  return isRaised && known?.severity !== 'critical'
    ? raiseLevel(memory, situation, 'warning', gas.at, gas.percent)
    : memory
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
  if (gas?.warn === undefined) return null
  const known = findCondition(memory, 'gas-level')
  const severity = known?.severity
  // High again after it was lower: what was raised then may have been closed since.
  const isAnew = gas.alarm !== undefined && gas.alarm.at > (known?.at ?? 0)
  if (severity === 'critical' && !isAnew) return null
  if (gas.alarm !== undefined) return sinceDueAt(gas.alarm, settings.gasAlarmForSeconds * 1000)
  return severity === undefined ? sinceDueAt(gas.warn, settings.gasWarnForSeconds * 1000) : null
}

/** Nothing else was heard: the last reading has held for long enough. */
export function fireGas(memory: DeviceMemory, situation: Situation): DeviceMemory {
  const { gas } = memory
  const { settings } = situation.home
  if (gas?.alarm) {
    const at = gas.alarm.at + settings.gasAlarmForSeconds * 1000
    return raiseLevel(memory, situation, 'critical', Math.min(at, situation.now), gas.percent)
  }
  if (!gas?.warn) return memory
  const at = gas.warn.at + settings.gasWarnForSeconds * 1000
  return raiseLevel(memory, situation, 'warning', Math.min(at, situation.now), gas.percent)
}
