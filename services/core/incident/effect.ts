import type { Responder } from '../escalation/people.ts'
import type { Target } from '../escalation/policy.ts'
import type { Message, Outcome } from '../message/message.ts'
import type { Severity, Why } from '../signal.ts'
import type { AnswerVia, Incident, Named } from './incident.ts'

/** What the caller has to do, in this order, in the transaction that stores the incident. */
export type IncidentEffect = SendSms | WithdrawPending | TellHome

export type SendSms = {
  type: 'SendSms'
  outboxId: string
  recipient: Responder
  message: Message
  /** Shown in the text and bound to this incident on this phone; null for messages that ask for no answer. */
  code: number | null
  /** 0 critical, 1 warning or who has it, 2 answers and endings. */
  priority: 0 | 1 | 2
  withLink: boolean
}

/** These rows are withdrawn if they are still `pending`; one already being sent goes out, and its receipt says so. */
type WithdrawPending = { type: 'WithdrawPending'; outboxIds: string[] }

/** The lamps, speakers and buttons of the home learn the incident's handling. */
export type TellHome = { type: 'TellHome'; status: Incident['status']; takenBy: string | null }

/** The incident's story in the past tense, numbered from 1. Append-only. */
export type IncidentEvent = { seq: number; at: number } & IncidentEventBody

export type IncidentEventBody =
  | { type: 'Opened'; why: Why; severity: Severity; deviceId: string; room: string | null; test: boolean }
  | { type: 'RaisedAgain'; why: Why; deviceId: string; room: string | null; raisedCount: number }
  | { type: 'Worsened'; severity: Severity; why: Why }
  | { type: 'TestSeen'; deviceId: string }
  | { type: 'ConditionReturned'; deviceId: string }
  | { type: 'CancelledAtSource'; deviceId: string }
  | { type: 'Told'; target: Target | 'again'; round: number; people: Named[]; unreachable: Named[] }
  | { type: 'StepSkipped'; target: Target; round: number; reason: 'nobody-assigned' | 'nobody-reachable' | 'declined' }
  | { type: 'StepFailed'; round: number; step: number }
  | { type: 'NobodyReachable'; round: number }
  | { type: 'EscalationEnded' }
  | { type: 'MessageFailed'; outboxId: string; recipient: string; errorCode: string | null }
  | { type: 'Taken'; by: Named; via: AnswerVia }
  | { type: 'LateTakeRefused'; by: Named; reason: 'already-taken' | 'already-resolved' }
  | { type: 'UnlistedTakeRefused'; by: Named }
  | { type: 'TakerToldOfNewAlarm'; by: Named }
  | { type: 'StillOnItAsked'; by: Named }
  | { type: 'StillOnItConfirmed'; by: Named }
  | { type: 'CannotCome'; by: Named }
  | { type: 'EscalationResumed'; reason: ResumeReason; from: Named }
  | { type: 'Joined'; by: Named }
  | { type: 'HandOverAsked'; by: Named; to: Named }
  | { type: 'HandedOver'; from: Named; to: Named }
  | { type: 'Arrived'; by: Named }
  | { type: 'NoteAdded'; by: Named; text: string }
  | { type: 'Resolved'; outcome: Outcome; by: Named | null; note: string | null }

export type ResumeReason = 'no-answer' | 'not-arrived' | 'cannot-come' | 'taker-unreachable' | 'no-longer-listed'

/** For whoever asked: an HTTP answer, or the words of a reply. */
export type FoldVerdict =
  | { type: 'accepted' }
  | { type: 'alreadyTaken'; by: Named & { at: number } }
  | { type: 'alreadyResolved'; outcome: Outcome }
  | { type: 'notAllowed'; reason: 'person-not-seen' | 'not-the-taker' | 'not-taken' | 'no-incident' }
  /** `handled`: somebody else has it, or it is over. */
  | { type: 'notListed'; handled: boolean }

export type FoldResult = {
  /** Null only when the input concerned no incident and opened none. */
  incident: Incident | null
  effects: IncidentEffect[]
  events: IncidentEvent[]
  wakeAt: number | null
  result: FoldVerdict
}
