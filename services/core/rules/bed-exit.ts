import type { Observation, PlacedDevice } from '../../../devices/observation.ts'
import { findCondition, raise, settle } from './conditions.ts'
import type { BedMemory, DeviceMemory, Since, Situation } from './home-state.ts'
import { isNight } from './night.ts'
import type { HomeSettings } from './settings.ts'
import { asOfReceipt, BACKLOG_GRACE_MS, beginSince, heldMs, holdSince, sinceDueAt } from './since.ts'

/** Messages of one device may overtake each other by so much: that is no clock set back. */
const CLOCK_TOLERANCE_MS = 2_000

/**
 * Left bed at night and not back: a warning, later when movement in the bathroom explains it, then an alarm.
 * Only who was seen in bed can leave it; leaving counts by the home's own night.
 */
export function stepBedExit(memory: DeviceMemory, observation: Observation, situation: Situation): DeviceMemory {
  const occupied = readOccupied(observation)
  if (occupied === null) return memory
  const before = memory.bed
  const older = observation.at < (before?.at ?? 0)
  if (older && !(before && leftByWrongClock(before, occupied, observation))) return memory
  const { at, receivedAt } = observation
  if (occupied) {
    const back = { ...memory, bed: { at, receivedAt, occupied } }
    return before?.left ? settle(back, situation, 'bed-exit', at) : back
  }
  const left = leftBed(before, older ? asOfReceipt(observation) : observation, situation)
  const gone = { ...memory, bed: { at, receivedAt, occupied, left } }
  return left === undefined ? gone : judge(gone, left, situation)
}

/**
 * Somebody leaves, and the monitor dates it before they lay down: its clock was set back. A backlog behind what is new
 * would say the same, but it comes at once.
 */
function leftByWrongClock(before: BedMemory, occupied: boolean, { at, receivedAt }: Observation): boolean {
  const cameLater = receivedAt - (before.receivedAt ?? 0) > BACKLOG_GRACE_MS
  return before.occupied && !occupied && before.at - at > CLOCK_TOLERANCE_MS && cameLater
}

function leftBed(before: BedMemory | undefined, observation: Observation, { home }: Situation): Since | undefined {
  if (before?.left) return holdSince(before.left, observation)
  if (!before?.occupied || !isNight(observation.at, home.timeZone, home.settings)) return undefined
  return beginSince(observation)
}

function readOccupied(observation: Observation): boolean | null {
  if (observation.kind === 'bed') return observation.state === 'occupied'
  if (observation.kind !== 'measurement' || observation.values.bedOccupied === undefined) return null
  return observation.values.bedOccupied >= 0.5
}

/** What is due next, after how long. */
function nextStep(
  memory: DeviceMemory,
  left: Since,
  settings: HomeSettings,
  bathroomMovementAt: number | null,
): { severity: 'warning' | 'critical'; afterMs: number } | null {
  const raised = findCondition(memory, 'bed-exit')?.severity
  if (raised === 'critical') return null
  const alarmAfterMs = settings.bedAlarmMinutes * 60_000
  if (raised === 'warning') return { severity: 'critical', afterMs: alarmAfterMs }
  const explained = bathroomMovementAt !== null && bathroomMovementAt >= left.at
  const warnAfterMs = (settings.bedWarningMinutes + (explained ? settings.bedBathroomExtraMinutes : 0)) * 60_000
  return warnAfterMs < alarmAfterMs
    ? { severity: 'warning', afterMs: warnAfterMs }
    : { severity: 'critical', afterMs: alarmAfterMs }
}

/** The device itself says that the time has passed: a backlog is judged by its own clock. */
function judge(memory: DeviceMemory, left: Since, situation: Situation): DeviceMemory {
  let judged = memory
  for (;;) {
    const step = nextStep(judged, left, situation.home.settings, situation.bathroomMovementAt)
    if (step === null || heldMs(left) < step.afterMs) return judged
    judged = raiseStep(judged, left, situation, step)
  }
}

export function bedDueAt(
  memory: DeviceMemory,
  settings: HomeSettings,
  bathroomMovementAt: number | null,
): number | null {
  const left = memory.bed?.left
  if (!left) return null
  const step = nextStep(memory, left, settings, bathroomMovementAt)
  return step === null ? null : sinceDueAt(left, step.afterMs)
}

export function fireBedExit(memory: DeviceMemory, situation: Situation): DeviceMemory {
  const left = memory.bed?.left
  if (!left) return memory
  const step = nextStep(memory, left, situation.home.settings, situation.bathroomMovementAt)
  return step === null ? memory : raiseStep(memory, left, situation, step)
}

function raiseStep(
  memory: DeviceMemory,
  left: Since,
  situation: Situation,
  { severity, afterMs }: { severity: 'warning' | 'critical'; afterMs: number },
): DeviceMemory {
  return raise(memory, situation, {
    key: 'bed-exit',
    severity,
    why: { code: 'bed-left', values: { minutes: Math.round(afterMs / 60_000) } },
    at: Math.min(left.at + afterMs, situation.now),
  })
}

/** Rooms are named by people; these words, in either language, say bathroom. */
const BATHROOM_WORDS = ['bath', 'toilet', 'wc', 'washroom', 'shower', '卫', '浴', '厕', '洗手间', '盥洗']

/** When somebody last moved in the bathroom, by the sensor's clock. */
export function bathroomMovement(before: number | null, observation: Observation, placed: PlacedDevice): number | null {
  if (observation.kind !== 'motion' || observation.state !== 'detected' || placed.room === null) return before
  const room = placed.room.toLowerCase()
  if (!BATHROOM_WORDS.some((word) => room.includes(word))) return before
  return Math.max(before ?? 0, observation.at)
}
