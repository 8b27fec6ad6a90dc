import type { ApiDeps } from '../server-types.ts'

/**
 * A heartbeat tells a page that what it shows is current. Where nobody knows what changed in this time (the database is
 * away, or an open transaction hides it) there is none, and the page says itself that it is old.
 */
const CHANGES_AGE_LIMIT_MS = 5_000
/** Nor where what the homes said waits for so long: nobody folds it, so that nothing would change whatever happens. */
const UNFOLDED_LIMIT_MS = 10_000

export type Pulse = {
  /** Whether what the pages show was current when it was last looked at. */
  isCurrent(): boolean
  /** Never fails: what cannot be read is not current. */
  look(): Promise<void>
}

export function createPulse({ changes, store, log }: Pick<ApiDeps, 'changes' | 'store' | 'log'>): Pulse {
  let unfoldedMs = Number.POSITIVE_INFINITY
  let wasFolded = true
  return {
    isCurrent: () => changes.ageMs() <= CHANGES_AGE_LIMIT_MS && unfoldedMs <= UNFOLDED_LIMIT_MS,
    async look() {
      unfoldedMs = await store.unfoldedMs().catch(() => Number.POSITIVE_INFINITY)
      const isFolded = unfoldedMs <= UNFOLDED_LIMIT_MS
      if (!isFolded && wasFolded)
        log.warn({ unfoldedMs }, 'what the homes said is not folded: the pages call themselves old')
      wasFolded = isFolded
    },
  }
}
