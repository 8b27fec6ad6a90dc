import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock, Log } from '../ports.ts'

const MARK_EVERY_MS = 5_000
/** Two marks have failed, or this process stood still. */
const STALE_MS = 10_000
/** A mark that keeps failing holds up what is to be stored no more often than this. */
const FRESHEN_EVERY_MS = 1_000

export type OpenMarks = {
  /** Marks first where the last mark is old: after a time without database, or without processor, nobody was heard. */
  freshen(): Promise<void>
  close(): Promise<void>
}

/**
 * Keeps on record that homes can be heard, so that time in which they cannot is not taken for their silence. A mark that
 * fails is made good by the next. Resolves after the first: it comes before anybody is let in.
 */
export async function startOpenMarks(parts: {
  mark(): Promise<number>
  clock: Clock
  log: Log
  everyMs?: number
}): Promise<OpenMarks> {
  const { mark, clock, log, everyMs = MARK_EVERY_MS } = parts
  const ending = new AbortController()
  let markedAt = Number.NEGATIVE_INFINITY
  let triedAt = Number.NEGATIVE_INFINITY

  async function markOnce(): Promise<void> {
    // Before the question: whoever stands still until the answer comes has marked no later.
    const askedAt = clock.monotonicMs()
    triedAt = askedAt
    try {
      const gapMs = await mark()
      markedAt = askedAt
      if (gapMs > 0) log.info({ gapMs }, 'no entrance was open: that time is taken off the silence of homes')
    } catch (err) {
      log.debug({ err }, 'the open entrance could not be marked')
    }
  }

  await markOnce()
  const running = (async () => {
    for (;;) {
      await sleep(everyMs, undefined, { signal: ending.signal }).catch(() => undefined)
      if (ending.signal.aborted) return
      await markOnce()
    }
  })()
  return {
    async freshen() {
      const nowMs = clock.monotonicMs()
      if (nowMs - markedAt > STALE_MS && nowMs - triedAt > FRESHEN_EVERY_MS) await markOnce()
    },
    async close() {
      ending.abort()
      await running
    },
  }
}
