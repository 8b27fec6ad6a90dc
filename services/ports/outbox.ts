/**
 * Outbox: what goes out to people, what becomes of it, and what they send us.
 */

import type { Responder } from '../core/escalation/people.ts'
import type { Incident } from '../core/incident/incident.ts'
import type { ToldRow } from '../core/message/which-incident.ts'
import type { IncomingSms, SmsDelivery } from './sms.ts'

/** A row that is ours until `claimMs` after it was asked for. */
export type ClaimedMessage = {
  homeId: string
  outboxId: string
  incidentId: string | null
  /** 0 is critical and goes first. */
  priority: number
  /** This one included. */
  attempts: number
  version: number
  createdAtMs: number
  /** When the message that opened the incident was committed; only where the press is to be measured. */
  raisedAtMs: number | null
  providerId: string | null
  errorCode: string | null
  /** Opens the sealed number and text: called right before the request, and neither is kept. */
  reveal(): { to: string; body: string }
}

export type ClaimedRow = Pick<ClaimedMessage, 'homeId' | 'outboxId' | 'version'>

/** What became of an attempt. The incident is told of a failure in the same transaction. */
export type Settlement =
  /** `receiptDueInMs`: when a missing receipt is asked after; null where the provider gives none. */
  | { status: 'accepted'; providerId: string; receiptDueInMs: number | null }
  | { status: 'delivered'; providerId: string }
  /** Sent again; `duplicateCause` where the earlier attempt may have arrived after all. */
  | { status: 'pending'; dueInMs: number; errorCode: string; duplicateCause: string | null }
  /** Looked up again before anything else. */
  | { status: 'unknown'; dueInMs: number; errorCode: string }
  | { status: 'failed'; errorCode: string; providerId: string | null }

export type Outbox = {
  /** pending → sending, committed before it returns. Highest priority first. `nowMs` is the database's clock. */
  claimDue(asked: { limit: number; criticalOnly: boolean; claimMs: number }): Promise<Claim>
  /** Messages whose outcome nobody knows: claims that ran out (a sender died or froze) and look-ups that are due. */
  claimDoubtful(asked: { limit: number; claimMs: number }): Promise<Claim>
  /**
   * What a sender who is gone had in hand is doubtful now, and not only when the claim runs out. For who knows that no
   * other sender is left, before it sends anything. @returns how many
   */
  freeClaims(): Promise<number>
  /** Accepted messages whose receipt is missing; each is given out again after `nextLookMs`, until `forgetMs` of age. */
  claimUnanswered(asked: { limit: number; nextLookMs: number; forgetMs: number }): Promise<Claim>
  /** False: the row was no longer ours, or a receipt was faster. */
  settle(message: ClaimedMessage, settlement: Settlement): Promise<boolean>
  /** Claimed and not sent: due again, as if never claimed. @returns the ids of those that were there and still ours */
  giveBack(rows: readonly ClaimedRow[]): Promise<string[]>
  /** Tells the incident, once per message, that no receipt came in time; the message itself stays as it is. */
  reportMissingReceipt(message: ClaimedMessage): Promise<boolean>
  /** By our id, late, twice and out of order: only what leads further counts. Null: nothing changed. */
  applyReceipt(receipt: SmsDelivery & { outboxId: string; receiptDueInMs: number }): Promise<{ homeId: string } | null>
  /** Those of these provider ids that belong to no message yet. */
  unclaimedProviderIds(providerIds: string[]): Promise<string[]>
  add(messages: DirectMessage[]): Promise<void>
  /** Age of the oldest message that should have gone out by now; 0 when none waits. */
  oldestDueMs(): Promise<number>
}
export type Claim = { nowMs: number; messages: ClaimedMessage[] }

/** Whoever sends in the process in which messages are written: they may be its own from the commit that writes them. */
export type SenderAtHand = {
  /** Room for up to `most` critical messages, kept until one of the reservation's calls; null: leave them to the outbox. */
  reserve(most: number): Reservation | null
}
export type Reservation = ClaimAtOnce & {
  /** What the commit claimed, which may be nothing. */
  send(claim: Claim): void
  /** Nobody knows whether the commit stands: what it claimed of these is to be given back to the outbox, unsent. */
  giveBack(messages: readonly Pick<ClaimedMessage, 'homeId' | 'outboxId'>[]): void
}
/**
 * The first `room` critical messages of a commit are claimed with it, for `claimMs`. Their rows begin with this `version`,
 * which no other claim has: of two commits of the same messages one may be written, and it must be clear which.
 */
export type ClaimAtOnce = { readonly room: number; readonly claimMs: number; readonly version: number }

/** A message that no incident's fold wrote: an answer to a reply, a word to the coordinator, a test of a phone. */
export type DirectMessage = {
  homeId: string
  /** The same id again writes nothing. */
  outboxId: string
  recipient: string
  purpose: string
  priority: number
  body: string
  /** Null: the recipient's own. */
  phone: string | null
}

/** A message with a code that went to the phone a reply came from. */
export type ToldPhone = ToldRow & { recipient: string; kind: Incident['kind']; homeLabel: string }
export type PhoneOwner = {
  homeId: string | null
  /** The home whose supervisors answer for this person: a contact's own, for staff one of their cells'; null: there is none. */
  supervisedAt: string | null
  ref: string
  name: string
  language: Responder['language']
}

export type IncomingMessages = {
  /** Stores it, unless we have it. `judged`: nothing is left to do with it. The times are those first stored. */
  record(message: IncomingSms): Promise<{ judged: boolean; receivedAtMs: number; sentAtMs: number | null }>
  /** The newest of each incident told until `untilMs`, newest first, of the last 72 h and whatever is not yet over. */
  toldRows(phone: string, untilMs: number): Promise<ToldPhone[]>
  owners(phone: string): Promise<PhoneOwner[]>
  /** Its verdict and the answers to it, in one transaction; a second time changes nothing. */
  settle(providerId: string, verdict: string, answers: DirectMessage[]): Promise<void>
  /** Stored before a crash and never judged. */
  waiting(asked: { waitedMs: number; limit: number }): Promise<IncomingSms[]>
  /** Up to when all replies were read back; null when none ever were. It never goes back. */
  readUntilMs(): Promise<number | null>
  keepReadUntil(ms: number): Promise<void>
}
