import type { Clock } from '../ports.ts'

/** Silence after a press is what makes people stop trusting the button: it is told again until somebody is there. */
const REPEAT_MS = 60_000
/** How often it is looked whose minute is over, and how many homes are told again at once; the others a moment later. */
const LOOK_MS = 1_000
const REPEATS_AT_ONCE = 250

export type NoticeRepeats = {
  /** A minute from now, and from then on each minute. */
  begin(homeId: string): void
  has(homeId: string): boolean
  end(homeId: string): void
  close(): void
}

/** Which homes are told again and when, by the monotonic clock. `tellAgain` answers false when nobody is there to listen. */
export function createNoticeRepeats(clock: Clock, tellAgain: (homeId: string) => boolean): NoticeRepeats {
  /** All wait for the same time, so the one that began first is due first. */
  const due = new Map<string, number>()

  function begin(homeId: string): void {
    due.delete(homeId)
    due.set(homeId, clock.monotonicMs() + REPEAT_MS)
  }

  function tellWhoIsDue(): void {
    const nowMs = clock.monotonicMs()
    const homes: string[] = []
    for (const [homeId, dueMs] of due) {
      if (dueMs > nowMs || homes.length === REPEATS_AT_ONCE) break
      homes.push(homeId)
    }
    for (const homeId of homes) {
      if (tellAgain(homeId)) begin(homeId)
      else due.delete(homeId)
    }
  }
  const looking = setInterval(tellWhoIsDue, LOOK_MS).unref()

  return {
    begin,
    has: (homeId) => due.has(homeId),
    end: (homeId) => void due.delete(homeId),
    close: () => clearInterval(looking),
  }
}
