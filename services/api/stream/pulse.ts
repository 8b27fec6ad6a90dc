import type { ApiDeps } from '../server-types.ts'

/**
 * A heartbeat tells a page that what it shows is current. Where nobody knows what changed in this time (the database is
 * away, or an open transaction hides it) there is none, and the page says itself that it is old.
 */
const CHANGES_AGE_LIMIT_MS = 5_000
/** Nor where an alarm, or what is to be done of one, waits for so long: nobody folds it, and nothing would change whatever happens. */
const UNFOLDED_LIMIT_MS = 10_000

export type Pulse = {
  /** Whether what the pages show was current when it was last looked at. */
  isCurrent(): boolean
  /** Never fails; what could never be read is not current. */
  look(): Promise<void>
}

export function createPulse({
  changes,
  unfoldedMs: read,
  log,
}: Pick<ApiDeps, 'changes' | 'unfoldedMs' | 'log'>): Pulse {
  let unfoldedMs = Number.POSITIVE_INFINITY
  let wasFolded = true
  return {
    isCurrent: () => changes.ageMs() <= CHANGES_AGE_LIMIT_MS && unfoldedMs <= UNFOLDED_LIMIT_MS,
    async look() {
      // A database that is away ends the heartbeat by the changes' age; one that answered once too late does not.
      unfoldedMs = await read().catch(() => unfoldedMs)
      const isFolded = unfoldedMs <= UNFOLDED_LIMIT_MS
      if (!isFolded && wasFolded) log.warn({ unfoldedMs }, 'alarms are not folded: the pages call themselves old')
      wasFolded = isFolded
    },
  }
}
