import type { LogPosition, StoredFacts } from '../ports.ts'

/** States kept in memory; of more homes the longest untouched is read again when it speaks. About 5 KB each. */
const MAX_HOMES = 12_000

/** A home as the last commit left it: valid only as long as nobody else moves its version, which the commit checks. */
export type CachedHome<State> = LogPosition & {
  homeId: string
  shard: number
  version: number
  lastNow: number
  /** As stored: never later than the true next timer. */
  wakeAt: number | null
  /** The facts the state was last folded with, and the facts as last read. */
  factsVersion: number
  facts: StoredFacts
  clockEpoch: number
  state: State
}

export type HomeCache<State> = {
  get(homeId: string): CachedHome<State> | undefined
  put(home: CachedHome<State>): void
  forget(homeId: string): void
}

export function createHomeCache<State>(): HomeCache<State> {
  // A map keeps the order of insertion: the first key is the longest untouched.
  const homes = new Map<string, CachedHome<State>>()
  return {
    get: (homeId) => homes.get(homeId),
    put(home) {
      homes.delete(home.homeId)
      homes.set(home.homeId, home)
      if (homes.size <= MAX_HOMES) return
      for (const oldest of homes.keys()) {
        homes.delete(oldest)
        return
      }
    },
    forget(homeId) {
      homes.delete(homeId)
    },
  }
}
