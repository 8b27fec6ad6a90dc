import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock, Log } from '../ports.ts'

const MARK_EVERY_MS = 5_000
/** Who could not mark for so long, the database being away, has let nobody in meanwhile: nothing was acknowledged. */
const MISSED_MS = 15_000

export type OpenMarks = { close(): Promise<void> }

/**
 * Keeps on record that the entrance is open, so that whoever starts after a downtime knows how long no home could be
 * heard. A mark that fails is made good by the next.
 */
export function startOpenMarks(parts: {
  mark(mayHaveBeenClosed: boolean): Promise<number>
  clock: Clock
  log: Log
}): OpenMarks {
  const { mark, clock, log } = parts
  const ending = new AbortController()
  let markedAt = Number.NEGATIVE_INFINITY
  const running = (async () => {
    while (!ending.signal.aborted) {
      const nowMs = clock.monotonicMs()
      try {
        const gapMs = await mark(nowMs - markedAt > MISSED_MS)
        markedAt = clock.monotonicMs()
        if (gapMs > 0) log.info({ gapMs }, 'no entrance was open: that time is taken off the silence of homes')
      } catch (err) {
        log.debug({ err }, 'the open entrance could not be marked')
      }
      await sleep(MARK_EVERY_MS, undefined, { signal: ending.signal }).catch(() => undefined)
    }
  })()
  return {
    async close() {
      ending.abort()
      await running
    },
  }
}
