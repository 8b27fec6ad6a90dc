import type { Observation } from '../../../devices/observation.ts'
import type { WhyCode } from '../signal.ts'
import { raise, settle } from './conditions.ts'
import type { DeviceMemory, Situation } from './home-state.ts'
import { inTestMode } from './test-mode.ts'

type Flag = 'smoke' | 'gas' | 'co'

const WHY: Readonly<Record<Flag, WhyCode>> = { smoke: 'smoke-alarm', gas: 'gas-alarm', co: 'co-alarm' }

/** Smoke, gas and CO: the detector has decided, so its flag is an emergency at once. */
export function stepAlarmFlags(memory: DeviceMemory, observation: Observation, situation: Situation): DeviceMemory {
  if (observation.kind !== 'smoke' && observation.kind !== 'gas' && observation.kind !== 'co') return memory
  const { kind, state, at } = observation
  switch (state) {
    case 'cleared':
      return settle(memory, situation, kind, at)
    case 'alarm':
    case 'test':
      return raise(memory, situation, {
        key: kind,
        severity: 'critical',
        why: { code: WHY[kind], values: {} },
        at,
        test: state === 'test' || inTestMode(situation),
      })
  }
}
