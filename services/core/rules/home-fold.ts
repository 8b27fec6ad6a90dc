import type { Decoder, Observation, RawMessage } from '../../../devices/observation.ts'
import { stepAlarmFlags } from './alarm-flags.ts'
import { bathroomMovement, stepBedExit } from './bed-exit.ts'
import { stepBattery, stepDeviceFlags } from './device-health.ts'
import { type Draft, openDraft, situationOf } from './draft.ts'
import { stepGasLevel } from './gas-level.ts'
import {
  type DeviceMemory,
  type DeviceOverview,
  type Folded,
  type HomeFacts,
  type HomeState,
  overviewOf,
  type Situation,
} from './home-state.ts'
import { seeLifeInBed } from './life-in-bed.ts'
import { stepSos } from './sos.ts'
import { hear, hearOffline, restartBehind } from './supervision.ts'
import { fireDue } from './timers.ts'
import { endVitalsOutOfBed, stepVitals } from './vitals.ts'

/**
 * The home's fold: one message, or one look at the clock, and the state after it. Pure; what it does not change is
 * shared with the state it was given.
 */

/** `now` is the receipt time, but never less than before; what was due until then fires first, each at its own time. */
export function foldMessage(state: HomeState, raw: RawMessage, home: HomeFacts, decoder: Decoder): Folded {
  const now = Math.max(state.now, raw.receivedAt)
  const draft = openDraft(state, home, now)
  fireDue(draft, now)
  const taken = takeMessage(draft, raw, decoder)
  const wakeAt = fireDue(draft, now)
  return closeDraft(draft, state, taken, wakeAt)
}

/** The sweep: fires what is due. Also how a newly placed device comes under supervision before its first message. */
export function fireTimers(state: HomeState, now: number, home: HomeFacts): Folded {
  const until = Math.max(state.now, now)
  const draft = openDraft(state, home, until)
  const wakeAt = fireDue(draft, until)
  return closeDraft(draft, state, { observations: [], deviceState: null, rejected: null }, wakeAt)
}

type Taken = Pick<Folded, 'observations' | 'deviceState' | 'rejected'>

function takeMessage(draft: Draft, raw: RawMessage, decoder: Decoder): Taken {
  const deviceId = decoder.deviceIdOf(raw, draft.placed)
  if (deviceId === null) return { observations: [], deviceState: null, rejected: 'unknown-topic' }
  const index = draft.devices.findIndex((memory) => memory.id === deviceId)
  const memory = draft.devices[index]
  const placed = draft.placed[index]
  if (memory === undefined || placed === undefined) {
    return { observations: [], deviceState: null, rejected: 'unknown-device' }
  }

  const { deviceState, observations, rejected } = decoder.decode(memory.decoder ?? null, raw, placed)
  const known = { ...memory, decoder: deviceState }
  const situation = situationOf(draft, placed)
  if (observations.some((said) => said.kind === 'device' && said.state === 'offline')) {
    draft.devices[index] = hearOffline(known, draft.now)
  } else {
    // What a broker kept from earlier is no sign of life.
    draft.devices[index] = rejected === 'stale-retained' ? known : hear(known, situation)
    if (rejected !== 'stale-retained')
      hearGateway(draft, placed.kind === 'gateway' ? deviceId : placed.gatewayId, memory)
  }
  for (const observation of observations) {
    draft.bathroomMovementAt = bathroomMovement(draft.bathroomMovementAt, observation, placed)
    draft.devices[index] = step(draft.devices[index] ?? known, observation, situation)
  }
  return { observations, deviceState, rejected }
}

function step(memory: DeviceMemory, observation: Observation, situation: Situation): DeviceMemory {
  switch (observation.kind) {
    case 'sos':
      return stepSos(memory, observation, situation)
    case 'smoke':
    case 'gas':
    case 'co':
    case 'leak':
    case 'fall':
      return stepAlarmFlags(memory, observation, situation)
    case 'bed':
      return stepBed(memory, memory, observation, situation)
    case 'battery':
      return stepBattery(memory, observation, situation)
    case 'tamper':
    case 'fault':
      return stepDeviceFlags(memory, observation, situation)
    case 'measurement': {
      // In bed or not is settled before the pulse is judged by it.
      const seen = stepBed(memory, stepGasLevel(memory, observation, situation), observation, situation)
      return stepBattery(stepVitals(seen, observation, situation), observation, situation)
    }
    case 'motion':
      if (observation.state === 'clear') return memory
      return { ...memory, movedAt: Math.max(memory.movedAt ?? 0, observation.at) }
    case 'door':
    case 'device':
      return memory
  }
}

/** In bed or not, and what ends with it. `before`: the memory as it was before this observation. */
function stepBed(
  before: DeviceMemory,
  memory: DeviceMemory,
  observation: Observation,
  situation: Situation,
): DeviceMemory {
  const bed = stepBedExit(memory, observation, situation)
  return seeLifeInBed(before, endVitalsOutOfBed(before, bed, observation.at, situation), observation, situation)
}

/** `before` is the memory of the device that spoke, as it was before: of the gateway itself when that is who spoke. */
function hearGateway(draft: Draft, gatewayId: string | null, before: DeviceMemory): void {
  if (gatewayId === null) return
  const index = draft.devices.findIndex((memory) => memory.id === gatewayId)
  const gateway = draft.devices[index]
  const placed = draft.placed[index]
  if (gateway === undefined || placed === undefined) return
  const gatewayBefore = before.id === gatewayId ? before : gateway
  if (before.id !== gatewayId) draft.devices[index] = hear(gateway, situationOf(draft, placed))
  for (let behind = 0; behind < draft.devices.length; behind += 1) {
    const memory = draft.devices[behind]
    const device = draft.placed[behind]
    if (memory === undefined || device === undefined || device.gatewayId !== gatewayId) continue
    draft.devices[behind] = restartBehind(memory, device, gatewayBefore, situationOf(draft, device))
  }
}

function closeDraft(draft: Draft, before: HomeState, taken: Taken, wakeAt: number | null): Folded {
  const { now, devices, bathroomMovementAt, signals } = draft
  return {
    state: { now, bathroomMovementAt, devices },
    signals,
    ...taken,
    wakeAt,
    deviceChanges: changesSince(before.devices, devices),
  }
}

function changesSince(before: readonly DeviceMemory[], after: readonly DeviceMemory[]): DeviceOverview[] {
  const changes: DeviceOverview[] = []
  for (let index = 0; index < after.length; index += 1) {
    const memory = after[index] as DeviceMemory
    if (memory === before[index]) continue
    const overview = overviewOf(memory)
    const known = before[index]?.id === memory.id ? before[index] : before.find(({ id }) => id === memory.id)
    const was = known === undefined ? null : overviewOf(known)
    if (was?.status !== overview.status || was.batteryPercent !== overview.batteryPercent) changes.push(overview)
  }
  return changes
}
