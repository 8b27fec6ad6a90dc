import type { DeviceKind } from '../../../devices/observation.ts'
import type { Responder, ResponderRole } from '../escalation/people.ts'
import type { EscalationPolicy } from '../escalation/policy.ts'
import type { Outcome } from '../message/message.ts'
import type { IncidentKind, Severity, Why } from '../signal.ts'

/** One situation in one home. Plain JSON: what the database holds is what the fold gets back. Times are epoch ms. */
export type Incident = {
  id: string
  homeId: string
  kind: IncidentKind
  subject: string
  severity: Severity
  /** What the devices say; handling (`status`) is another thing (ISA-18.2). */
  condition: 'active' | 'returned'
  status: 'open' | 'acknowledged' | 'resolved'
  why: Why
  sources: Source[]
  /** Presses, alarms and further devices so far, the first included. */
  raisedCount: number
  openedAt: number
  /** How old the freshest signal was when it reached us; 0 once one came in time. */
  lateByMs: number
  takenBy: Taker | null
  /** Who had it before the escalation resumed. */
  takenBefore: Taker | null
  /** Asked to take it over; the taker keeps it until they do. */
  handOverTo: string | null
  joined: Named[]
  arrivedAt: number | null
  /** Taken by family, so the desk keeps an eye on it without sound until arrived or resolved (P4). */
  silentAtDesk: boolean
  outcome: Outcome | null
  resolvedAt: number | null
  policy: EscalationPolicy
  position: Position
  told: ToldPerson[]
  due: DueTimes
  /** The message whose answer `due.answer` or `due.arrive` waits for; if it fails for good there is nothing to wait for. */
  question: string | null
  /** The earliest of `due`; null when nothing is awaited. */
  wakeAt: number | null
  /** Of the messages given so far; the next outbox id is made from it. */
  messageCount: number
  eventCount: number
  version: number
}

export type Named = { ref: string; name: string; role: ResponderRole }
type Taker = Named & { language: Responder['language']; hasPhone: boolean; at: number; via: AnswerVia }
export type AnswerVia = 'sms' | 'link' | 'api'

/** A device that raised this incident, and whether it has taken that back since. At most the devices of one home. */
export type Source = {
  deviceId: string
  deviceKind: DeviceKind
  room: string | null
  raisedAt: number
  cancelled: boolean
  /** When the one who has it was last told of this device's alarm; its further presses within a minute are only counted. */
  takerToldAt: number | null
}

/**
 * Where the escalation stands. Rounds are numbered through the incident's whole life, from 1; a round beyond
 * `lastRound` is a repetition of the last resort.
 */
type Position = {
  round: number
  lastRound: number
  nextStep: number
  roundStartedAt: number
  lastStepAt: number
}

export type DueTimes = {
  /** The next step, round or repetition. */
  step: number | null
  /** Those already told are told again, because the button was pressed again. */
  retell: number | null
  /** The taker is asked "still on it?". */
  ask: number | null
  /** … and has until then to answer. */
  answer: number | null
  /** The taker has until then to arrive. */
  arrive: number | null
}

export const NOTHING_DUE: DueTimes = { step: null, retell: null, ask: null, answer: null, arrive: null }

export type ToldPerson = {
  person: Responder
  code: number
  declinedInRound: number | null
  /** Knows the present handling (who has it, or that it is over); false again as soon as that changes. */
  upToDate: boolean
  /** Set once the provider has said that this phone opted out, so that the supervisors are told once. */
  optedOut?: true
  messages: ToldMessage[]
}

/** An alarm message to one person. `step` is null when it belongs to no step (told again, last resort, hand-over). */
export type ToldMessage = {
  outboxId: string
  at: number
  round: number
  step: number | null
  /** `unconfirmed`: the provider took it and no receipt came. The next person is told, and this one may have read it. */
  status: 'pending' | 'accepted' | 'unknown' | 'unconfirmed' | 'delivered' | 'failed' | 'withdrawn'
}

/** Older messages of one person are forgotten: only those of the running round decide anything. */
export const MESSAGES_KEPT_PER_PERSON = 8

export function incidentIdFor(homeId: string, openingInputId: string): string {
  return `${homeId}.${openingInputId}`
}
