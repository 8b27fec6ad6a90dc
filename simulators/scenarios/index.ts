import { badNight } from './bad-night.ts'
import { day } from './day.ts'
import { gasLeak } from './gas-leak.ts'
import { gatewayLost } from './gateway-lost.ts'
import type { Scenario } from './scenario.ts'
import { smoke } from './smoke.ts'
import { sos } from './sos.ts'

export const SCENARIOS: readonly Scenario[] = [sos, smoke, gasLeak, badNight, gatewayLost, day]

export function scenarioNamed(name: string): Scenario | undefined {
  return SCENARIOS.find((scenario) => scenario.name === name)
}
