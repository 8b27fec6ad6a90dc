import type { Responder } from '../escalation/people.ts'
import type { Outcome } from '../message/message.ts'
import type { Signal } from '../signal.ts'
import type { AnswerVia } from './incident.ts'

/** What an incident is folded from, in the home's order. `inputId` is the row's id: unique within the home for ever. */
export type IncidentInput = { inputId: string } & (SignalReceived | Answer | Receipt)

type SignalReceived = { type: 'SignalReceived'; signal: Signal }

export type Answer =
  /** Also the answer "yes" to "still on it?" when it comes from the one who has it. */
  | { type: 'Acknowledge'; by: Responder; via: AnswerVia }
  /** Wanted to take it by SMS, and is on the list no longer: a contact who was removed, a user whose account is closed. */
  | { type: 'UnlistedTake'; by: Responder }
  | { type: 'StillOnIt'; by: Responder }
  | { type: 'CannotCome'; by: Responder; via: AnswerVia }
  | { type: 'Join'; by: Responder }
  /** Without `via`: over the API, as all before the link could say it. */
  | { type: 'Arrived'; by: Responder; via?: AnswerVia }
  | { type: 'Note'; by: Responder; text: string }
  | { type: 'HandOver'; by: Responder; to: Responder }
  | { type: 'Resolve'; by: Responder; outcome: Outcome; note: string | null; personSeenOrHeard: boolean }

/** The error code of a message that the provider took and of which no receipt came in time. */
export const NO_RECEIPT = 'no-receipt'

/** The provider refuses this phone because its owner has opted out: Twilio's 21610. */
export const OPTED_OUT_CODES: readonly string[] = ['twilio-21610']

/** What became of a message. `recipient` is the person's ref. */
export type Receipt =
  | { type: 'MessageAccepted'; outboxId: string; recipient: string }
  | { type: 'MessageUnknown'; outboxId: string; recipient: string }
  | { type: 'MessageDelivered'; outboxId: string; recipient: string }
  /** `permanent`: no further try of this message will be made. */
  | { type: 'MessageFailed'; outboxId: string; recipient: string; permanent: boolean; errorCode: string | null }
