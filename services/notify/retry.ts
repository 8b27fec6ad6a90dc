import { isCritical } from '../core/message/priority.ts'

/** How soon a message is tried again, and when it is given up. The last delay goes on. */
type RetryTable = { delaysMs: readonly number[]; giveUpAfterMs: number }

/** A critical message is tried as long as a round of the escalation lasts; the next round writes a new one. */
const CRITICAL: RetryTable = { delaysMs: [500, 1_000, 2_000, 4_000, 8_000, 15_000], giveUpAfterMs: 600_000 }
const ORDINARY: RetryTable = { delaysMs: [5_000, 15_000, 60_000, 120_000, 300_000], giveUpAfterMs: 1_800_000 }
/** Each delay is spread by this share, so that what failed together does not come back together. */
const JITTER = 0.2

/**
 * Milliseconds until the next attempt, or null when the message is given up.
 * @param attempts made so far, 1 or more
 * @param random 0 ≤ random < 1
 */
export function retryDelayMs(
  message: { priority: number; attempts: number; ageMs: number },
  random: number,
): number | null {
  const table = isCritical(message.priority) ? CRITICAL : ORDINARY
  if (message.ageMs >= table.giveUpAfterMs) return null
  const delayMs = table.delaysMs[Math.min(message.attempts, table.delaysMs.length) - 1] ?? 0
  return Math.round(delayMs * (1 - JITTER + 2 * JITTER * random))
}
