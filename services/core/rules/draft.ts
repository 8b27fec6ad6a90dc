import type { PlacedDevice } from '../../../devices/observation.ts'
import type { Signal } from '../signal.ts'
import { findCondition, settle } from './conditions.ts'
import {
  type ConditionKey,
  type DeviceMemory,
  type HomeFacts,
  type HomeState,
  initialMemory,
  type Situation,
} from './home-state.ts'

/** The fold's working copy of a home. `placed` and `devices` stand in the same order, the retired left out. */
export type Draft = {
  now: number
  readonly home: HomeFacts
  readonly placed: readonly PlacedDevice[]
  readonly devices: DeviceMemory[]
  bathroomMovementAt: number | null
  readonly signals: Signal[]
}

/** Facts may have changed since the last call: new devices are supervised from `now` on, retired ones forgotten. */
export function openDraft(state: HomeState, home: HomeFacts, now: number): Draft {
  const placed = home.devices.filter((device) => !device.retired)
  const { bathroomMovementAt } = state
  const inStep =
    placed.length === state.devices.length &&
    placed.every((device, index) => state.devices[index]?.id === device.deviceId)
  const devices = inStep
    ? state.devices.slice()
    : placed.map(
        ({ deviceId }) => state.devices.find((memory) => memory.id === deviceId) ?? initialMemory(deviceId, now),
      )
  const draft: Draft = { now: state.now, home, placed, devices, bathroomMovementAt, signals: [] }
  if (!inStep) settleRetired(draft, state)
  return draft
}

/** What was wrong with a device that hangs there no more needs no mending. An alarm it raised stays for people to answer. */
const ENDS_WITH_DEVICE: readonly ConditionKey[] = ['lost', 'battery', 'tamper', 'fault']

function settleRetired(draft: Draft, state: HomeState): void {
  for (const placed of draft.home.devices) {
    if (!placed.retired) continue
    const memory = state.devices.find(({ id }) => id === placed.deviceId)
    if (memory === undefined) continue
    for (const key of ENDS_WITH_DEVICE) {
      const at = Math.max(draft.now, findCondition(memory, key)?.at ?? 0)
      settle(memory, situationOf(draft, placed), key, at)
    }
  }
}

export function situationOf(draft: Draft, placed: PlacedDevice): Situation {
  const { now, home, devices, bathroomMovementAt, signals } = draft
  return { now, home, placed, devices, bathroomMovementAt, signals }
}
