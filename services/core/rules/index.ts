/** The rules of a home, as the rules worker, the replay and the pages use them. */

export { applyClockJump } from './clock-jump.ts'
export { fireTimers, foldMessage } from './home-fold.ts'
export {
  type Folded,
  type HomeFacts,
  type HomeState,
  initialHomeState,
} from './home-state.ts'
export { RULE_SETTINGS, readSettings } from './settings.ts'
