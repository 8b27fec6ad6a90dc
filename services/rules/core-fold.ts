import type { Decoder } from '../../devices/observation.ts'
import {
  applyClockJump,
  type Folded,
  fireTimers,
  foldMessage,
  type HomeFacts,
  type HomeState,
  initialHomeState,
  readSettings,
} from '../core/rules/index.ts'
import type { StoredFacts } from '../ports.ts'
import type { FoldStep, HomeFold } from './home-fold.ts'

/** The rules of `core/rules` with a decoder, as the worker and the replay run them. */
export function createCoreFold(decoder: Decoder): HomeFold<HomeState> {
  // Facts are read once per change of them, not once per message.
  const read = new WeakMap<StoredFacts, HomeFacts>()
  function factsOf(stored: StoredFacts): HomeFacts {
    const known = read.get(stored)
    if (known) return known
    const { homeId, devices, testModeUntil, timeZone, language } = stored
    const { settings } = readSettings(stored.settings)
    const facts = { homeId, devices, settings, testModeUntil, timeZone, language }
    read.set(stored, facts)
    return facts
  }
  return {
    initialState: initialHomeState,
    foldMessage: (state, message, facts) => toStep(foldMessage(state, message, factsOf(facts), decoder)),
    fireTimers(state, now, facts) {
      const step = toStep(fireTimers(state, now, factsOf(facts)))
      return sameDevices(state, step.state) && step.signals.length === 0 ? { ...step, state } : step
    },
    applyClockJump(state, gapMs, facts) {
      const jumped = applyClockJump(state, gapMs)
      // Fires what the jump made due, and tells the next timer.
      return toStep(fireTimers(jumped, jumped.now, factsOf(facts)))
    },
  }
}

function toStep(folded: Folded): FoldStep<HomeState> {
  const { deviceChanges, ...step } = folded
  return {
    ...step,
    changedDevices: deviceChanges.map((device) => device.deviceId),
  }
}

/** The fold shares what it did not change. */
function sameDevices(before: HomeState, after: HomeState): boolean {
  return (
    before.devices.length === after.devices.length &&
    before.devices.every((device, index) => device === after.devices[index])
  )
}
