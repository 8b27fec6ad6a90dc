import { contentHash, textHash } from './content-hash.ts'

/**
 * Which of a device's last messages this one repeats. The set is part of the device's state, so it is small on
 * purpose: beyond the limits below the oldest is forgotten, and its repeat counts as a new message.
 */
export const EVENTS_REMEMBERED = 16
export const OTHERS_REMEMBERED = 6
const REPEAT_WITHIN_MS = 24 * 3_600_000
/** Cheap buttons start counting at 1 again: an older twin of an alarm is a new alarm. A doubled one is cheaper than a lost one. */
export const CRITICAL_REPEAT_WITHIN_MS = 10 * 60_000
/** Some give all their messages one id: an alarm that does not say when it was is a resend only for so long. */
const UNTIMED_REPEAT_WITHIN_MS = 60_000

/** Pairs of (mark, receipt time in whole seconds), oldest first: flat numbers, because the state is stored as JSON. */
export type RecentMessages = readonly number[]

/** 26 bits of identity above 27 bits of content: one exact integer. */
export type Mark = number
const CONTENT_SPAN = 2 ** 27
const IDENTITY_MASK = 0x3ffffff

/** A message without an id of its own is known by its packet identifier, which only means something beside DUP. */
export function markOf(payload: Uint8Array, messageId: string | null, packetId: number | null, seed: number): Mark {
  const identity = messageId === null ? (packetId ?? 0) : textHash(messageId) & IDENTITY_MASK
  return identity * CONTENT_SPAN + (contentHash(payload, seed) % CONTENT_SPAN)
}

export type Repeat = 'new' | 'duplicate' | 'id-reused'

/**
 * `timed`: it says when it was, so the same bytes are about the same moment. `exact`: to the millisecond, so that nobody can
 * have done another thing under the same id in the same moment.
 */
export type Arrival = {
  mark: Mark
  hasId: boolean
  dup: boolean
  critical: boolean
  timed: boolean
  exact: boolean
  receivedAt: number
}

export function judgeRepeat(recent: RecentMessages, arrival: Arrival): Repeat {
  let verdict: Repeat = 'new'
  for (let index = recent.length - 2; index >= 0; index -= 2) {
    const mark = recent[index] as number
    const ageMs = arrival.receivedAt - (recent[index + 1] as number) * 1000
    if (ageMs > REPEAT_WITHIN_MS) break
    if (mark === arrival.mark) {
      if (isRepeat(arrival, ageMs, index === recent.length - 2)) return 'duplicate'
    } else if (arrival.hasId && Math.floor(mark / CONTENT_SPAN) === Math.floor(arrival.mark / CONTENT_SPAN)) {
      verdict = 'id-reused'
    }
  }
  return verdict
}

function isRepeat({ hasId, dup, critical, timed, exact }: Arrival, ageMs: number, isLast: boolean): boolean {
  const isRecent = !critical || ageMs < CRITICAL_REPEAT_WITHIN_MS
  // Simple clients send everything under the same packet identifier: with DUP it may also be a new press whose first
  // try was lost on the way, so without an id of its own an older twin says nothing.
  if (dup) return hasId || isRecent
  if (!hasId) return false
  // An entrance that stood still brings late what was said again over another one, and answered, and taken back since.
  if (timed && exact) return isRecent
  // Something else was said since, so it is no resend: a counter began at 1 again.
  if (!isLast) return false
  return timed ? isRecent : !critical || ageMs < UNTIMED_REPEAT_WITHIN_MS
}

/**
 * Whether what was heard last says the very same. Another broker numbers its packets anew, so without an id of its own
 * a message is known by its bytes alone.
 */
export function isLastAgain(recent: RecentMessages, mark: Mark, hasId: boolean, receivedAt: number): boolean {
  const last = recent.at(-2)
  if (last === undefined || receivedAt - (recent.at(-1) as number) * 1000 > REPEAT_WITHIN_MS) return false
  return hasId ? last === mark : last % CONTENT_SPAN === mark % CONTENT_SPAN
}

export function remember(recent: RecentMessages, mark: Mark, receivedAt: number, limit: number): RecentMessages {
  const kept = recent.length >= limit * 2 ? recent.slice(recent.length - limit * 2 + 2) : recent.slice()
  kept.push(mark, Math.floor(receivedAt / 1000))
  return kept
}
