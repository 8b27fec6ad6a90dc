/** The rules of a home, as the rules worker, the replay and the pages use them. */

export { applyClockJump } from './clock-jump.ts'
export { fireTimers, foldMessage, homeOverview } from './home-fold.ts'
export {
  type DeviceOverview,
  type DeviceStatus,
  type Folded,
  type HomeFacts,
  type HomeState,
  initialHomeState,
} from './home-state.ts'
export { DEFAULT_SETTINGS, type HomeSettings, RULE_SETTINGS, readSettings, type SettingProblem } from './settings.ts'
