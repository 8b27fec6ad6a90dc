import type { Observation, PlacedDevice, RejectionCode } from '../../../devices/observation.ts'
import type { Severity, Signal } from '../signal.ts'
import type { HomeSettings } from './settings.ts'

/** What the rules are told about a home with each call: settings and devices can change between two messages. */
export type HomeFacts = {
  homeId: string
  devices: readonly PlacedDevice[]
  settings: HomeSettings
  /** Until then what the alarm devices say is marked as a test; epoch ms. */
  testModeUntil: number | null
  /** IANA name, e.g. Asia/Shanghai. */
  timeZone: string
  language: 'zh' | 'en'
}

/** What a device can have raised. `gas-level` is the raw reading, `gas` the device's own flag; both are kind `gas`. */
export type ConditionKey =
  | 'sos'
  | 'smoke'
  | 'gas'
  | 'gas-level'
  | 'co'
  | 'fall'
  | 'leak'
  | 'bed-exit'
  | 'heart-rate'
  | 'respiration'
  | 'lost'
  | 'battery'
  | 'tamper'
  | 'fault'

/** `at` by the device's clock when it was last reported, `raisedAt` by ours when it was last signalled. */
export type Condition = {
  key: ConditionKey
  severity: Severity
  at: number
  raisedAt: number
  test: boolean
  count: number
}

/** Something that holds since `at`; the receipt times say how late the device's news comes. */
export type Since = { at: number; receivedAt: number; lastAt: number; lastReceivedAt: number }

/** `percent` is the last reading, which holds until the next one. */
export type GasMemory = { at: number; percent: number; warn?: Since | undefined; alarm?: Since | undefined }
/** `receivedAt`: of the message that said so. */
export type BedMemory = { at: number; receivedAt?: number; occupied: boolean; left?: Since | undefined }
export type VitalMemory = { red?: number; calm?: number }
export type VitalsMemory = { at: number; heartRate: VitalMemory; respiration: VitalMemory }

/** One device. It is stored as JSON with the home, so what there is nothing to say about is left out. */
export type DeviceMemory = {
  id: string
  /** Our clock, when it was last heard, or when supervision began. */
  heardAt: number
  unheard?: true | undefined
  /** Our clock, when its last will came, while it is said to be away. */
  offlineAt?: number | undefined
  batteryPercent?: number
  /** By the device's clock, when it last saw somebody move. */
  movedAt?: number
  /** By the device's clock, when somebody in this bed last lay down, moved, had a pulse or breathed. */
  livedAt?: number
  /** The decoder's own value. */
  decoder?: unknown
  conditions: readonly Condition[]
  gas?: GasMemory
  bed?: BedMemory
  vitals?: VitalsMemory
}

/** All the fold knows of a home: one JSON value. `devices` has the order of the facts, the retired left out. */
export type HomeState = {
  now: number
  /** By the device's clock, when movement was last seen in the bathroom. */
  bathroomMovementAt: number | null
  devices: readonly DeviceMemory[]
}

export function initialHomeState(): HomeState {
  return { now: 0, bathroomMovementAt: null, devices: [] }
}

export function initialMemory(id: string, now: number): DeviceMemory {
  return { id, heardAt: now, unheard: true, conditions: [] }
}

type DeviceStatus = 'never-heard' | 'online' | 'offline' | 'lost'
export type DeviceOverview = {
  deviceId: string
  status: DeviceStatus
  batteryPercent: number | null
  heardAt: number | null
}

export type Folded = {
  state: HomeState
  signals: Signal[]
  observations: Observation[]
  /** The decoder's, of the device that spoke. */
  deviceState: unknown
  rejected: RejectionCode | null
  /** The earliest timer of the home, always later than the state's now; null when nothing is waited for. */
  wakeAt: number | null
  /** Devices whose status or battery a screen would show differently now. */
  deviceChanges: DeviceOverview[]
}

/** Where a step stands: the time, the home, the other devices, and the list it adds its signals to. */
export type Situation = {
  now: number
  home: HomeFacts
  placed: PlacedDevice
  devices: readonly DeviceMemory[]
  bathroomMovementAt: number | null
  signals: Signal[]
}

export function overviewOf(memory: DeviceMemory): DeviceOverview {
  return {
    deviceId: memory.id,
    status: statusOf(memory),
    batteryPercent: memory.batteryPercent ?? null,
    heardAt: memory.unheard ? null : memory.heardAt,
  }
}

function statusOf(memory: DeviceMemory): DeviceStatus {
  if (memory.conditions.some((condition) => condition.key === 'lost')) return 'lost'
  if (memory.offlineAt !== undefined) return 'offline'
  return memory.unheard ? 'never-heard' : 'online'
}
