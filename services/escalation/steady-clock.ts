/** The database's clock may tick this much unevenly, or be mended by this much, before it counts as a jump. */
const TOLERANCE_MS = 1_000

export type SteadyClock = {
  /** Never less than before, and never standing still: when the database's clock goes back, time goes on from where it was. */
  steady(databaseNowMs: number, monotonicMs: number): number
}

/**
 * Escalation steps are due times. Would `now` follow a clock that is set back by an hour, nobody would be told for an
 * hour; so the escalation's `now` follows the database's clock forwards and the monotonic clock where that goes back.
 * @param lastFoldedMs the latest `now` that an open incident was folded with, by any process, before this start
 */
export function createSteadyClock(lastFoldedMs: number): SteadyClock {
  let last: { steadyMs: number; monotonicMs: number } | null = null
  return {
    steady(databaseNowMs, monotonicMs) {
      const expectedMs = last === null ? lastFoldedMs : last.steadyMs + Math.max(0, monotonicMs - last.monotonicMs)
      const wentBack = databaseNowMs < expectedMs - TOLERANCE_MS
      const steadyMs = Math.max(last?.steadyMs ?? 0, wentBack ? expectedMs : databaseNowMs)
      last = { steadyMs, monotonicMs }
      return steadyMs
    },
  }
}
