import type { Observation } from '../../../devices/observation.ts'
import type { Severity, WhyCode } from '../signal.ts'
import { raise, settle } from './conditions.ts'
import type { DeviceMemory, Situation } from './home-state.ts'
import { inTestMode } from './test-mode.ts'

type Flag = { severity: Severity; why: WhyCode }

const FLAGS = {
  smoke: { severity: 'critical', why: 'smoke-alarm' },
  gas: { severity: 'critical', why: 'gas-alarm' },
  co: { severity: 'critical', why: 'co-alarm' },
  // Without a speaker to cancel it by there is nothing to wait for.
  fall: { severity: 'critical', why: 'fall-alarm' },
  leak: { severity: 'warning', why: 'leak-alarm' },
} as const satisfies Record<string, Flag>

/** Smoke, gas, CO, a fall, water: the detector has decided, so its flag opens an incident at once. */
export function stepAlarmFlags(memory: DeviceMemory, observation: Observation, situation: Situation): DeviceMemory {
  const { kind, at } = observation
  if (kind !== 'smoke' && kind !== 'gas' && kind !== 'co' && kind !== 'fall' && kind !== 'leak') return memory
  const { state } = observation
  switch (state) {
    case 'cleared':
      return settle(memory, situation, kind, at)
    case 'alarm':
    case 'test':
      return raise(memory, situation, {
        key: kind,
        severity: FLAGS[kind].severity,
        why: { code: FLAGS[kind].why, values: {} },
        at,
        test: state === 'test' || inTestMode(situation),
      })
  }
}
