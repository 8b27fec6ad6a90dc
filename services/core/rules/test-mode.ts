import type { Situation } from './home-state.ts'

/** While somebody tests the home, what its alarm devices say is real in every step but pages nobody. */
export function inTestMode({ home, now }: Situation): boolean {
  return home.testModeUntil !== null && now < home.testModeUntil
}
