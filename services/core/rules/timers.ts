import type { PlacedDevice } from '../../../devices/observation.ts'
import { bedDueAt, fireBedExit } from './bed-exit.ts'
import { type Draft, situationOf } from './draft.ts'
import { fireGas, gasDueAt } from './gas-level.ts'
import type { DeviceMemory, Situation } from './home-state.ts'
import { fireSupervision, supervisionDueAt } from './supervision.ts'

/** Everything the rules wait for, as data: nothing here remembers a timer besides the state itself. */
type Timer = { dueAt: number; index: number; fire: (memory: DeviceMemory, situation: Situation) => DeviceMemory }

/** A device has at most this many timers to fire in a row; one that fires without end would stop its home for ever. */
const FIRES_PER_DEVICE = 8

/**
 * Fires what is due by `until`, the earliest first and each at its own time, and leaves the draft at `until`.
 * @returns when the next is due, as the draft stands then; null: nothing is waited for
 */
export function fireDue(draft: Draft, until: number): number | null {
  let timer = nextTimer(draft)
  for (let left = draft.devices.length * FIRES_PER_DEVICE; left > 0; left -= 1) {
    if (timer === null || timer.dueAt > until) break
    draft.now = Math.max(draft.now, timer.dueAt)
    const memory = draft.devices[timer.index]
    const placed = draft.placed[timer.index]
    if (memory === undefined || placed === undefined) break
    draft.devices[timer.index] = timer.fire(memory, situationOf(draft, placed))
    timer = nextTimer(draft)
  }
  draft.now = until
  return timer?.dueAt ?? null
}

function nextTimer(draft: Draft): Timer | null {
  const { settings } = draft.home
  // Hundreds of devices hang behind one gateway: it is looked up once, not once for each of them.
  const gateways = new Map<string, DeviceMemory | undefined>()
  let next: Timer | null = null
  for (let index = 0; index < draft.devices.length; index += 1) {
    const memory = draft.devices[index] as DeviceMemory
    const placed = draft.placed[index] as PlacedDevice
    if (placed.gatewayId !== null && !gateways.has(placed.gatewayId)) {
      gateways.set(placed.gatewayId, memoryOf(draft, placed.gatewayId))
    }
    const gateway = gateways.get(placed.gatewayId ?? '')
    next = earlier(next, supervisionDueAt(memory, placed, settings, gateway), index, fireSupervision)
    if (memory.gas !== undefined) next = earlier(next, gasDueAt(memory, settings), index, fireGas)
    if (memory.bed !== undefined) {
      next = earlier(next, bedDueAt(memory, settings, draft.bathroomMovementAt), index, fireBedExit)
    }
  }
  return next
}

function earlier(next: Timer | null, dueAt: number | null, index: number, fire: Timer['fire']): Timer | null {
  return dueAt !== null && (next === null || dueAt < next.dueAt) ? { dueAt, index, fire } : next
}

function memoryOf(draft: Draft, deviceId: string): DeviceMemory | undefined {
  for (const memory of draft.devices) if (memory.id === deviceId) return memory
  return undefined
}
