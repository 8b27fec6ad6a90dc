import type { Condition, DeviceMemory, GasMemory, HomeState, Since, VitalMemory } from './home-state.ts'

/**
 * The clock jumped by `gapMs` (positive: forward) beside the time that passed. Nobody was silent for the gap, so what is
 * measured by our clock alone moves with it, both ways.
 *
 * What devices said happened keeps its time when the clock goes forward: a machine that slept looks the same as a clock
 * put right, so what is due for a person fires. When the clock goes back these times go back too: left in the future,
 * they would hide all that is said until then, and hold every timer.
 */
export function applyClockJump(state: HomeState, gapMs: number): HomeState {
  const saidGapMs = Math.min(gapMs, 0)
  const { bathroomMovementAt } = state
  return {
    now: state.now + gapMs,
    bathroomMovementAt: bathroomMovementAt === null ? null : bathroomMovementAt + saidGapMs,
    devices: state.devices.map((memory) => moveDevice(memory, gapMs, saidGapMs)),
  }
}

function moveDevice(memory: DeviceMemory, gapMs: number, saidGapMs: number): DeviceMemory {
  const { heardAt, offlineAt, movedAt, livedAt, conditions, gas, bed, vitals } = memory
  const moved: DeviceMemory = {
    ...memory,
    heardAt: heardAt + gapMs,
    offlineAt: offlineAt === undefined ? undefined : offlineAt + gapMs,
    conditions: conditions.map((condition) => moveCondition(condition, gapMs, saidGapMs)),
  }
  if (movedAt !== undefined) moved.movedAt = movedAt + saidGapMs
  if (livedAt !== undefined) moved.livedAt = livedAt + saidGapMs
  if (gas) moved.gas = moveGas(gas, saidGapMs)
  if (bed) moved.bed = { ...bed, at: bed.at + saidGapMs, left: moveSince(bed.left, saidGapMs) }
  if (vitals) {
    const heartRate = moveVital(vitals.heartRate, saidGapMs)
    moved.vitals = { at: vitals.at + saidGapMs, heartRate, respiration: moveVital(vitals.respiration, saidGapMs) }
  }
  return moved
}

function moveCondition(condition: Condition, gapMs: number, saidGapMs: number): Condition {
  return { ...condition, at: condition.at + saidGapMs, raisedAt: condition.raisedAt + gapMs }
}

function moveGas(gas: GasMemory, gapMs: number): GasMemory {
  return { ...gas, at: gas.at + gapMs, warn: moveSince(gas.warn, gapMs), alarm: moveSince(gas.alarm, gapMs) }
}

function moveSince(since: Since | undefined, gapMs: number): Since | undefined {
  if (since === undefined) return undefined
  const { at, receivedAt, lastAt, lastReceivedAt } = since
  return {
    at: at + gapMs,
    receivedAt: receivedAt + gapMs,
    lastAt: lastAt + gapMs,
    lastReceivedAt: lastReceivedAt + gapMs,
  }
}

function moveVital({ red, calm }: VitalMemory, gapMs: number): VitalMemory {
  return { ...(red === undefined ? {} : { red: red + gapMs }), ...(calm === undefined ? {} : { calm: calm + gapMs }) }
}
