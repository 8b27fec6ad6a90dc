/**
 * Incidents: what the escalation folds, and where the folds are kept.
 */

import type { Facts, Responder } from '../core/escalation/people.ts'
import type { FoldVerdict, IncidentEvent } from '../core/incident/effect.ts'
import type { Incident } from '../core/incident/incident.ts'
import type { IncidentInput } from '../core/incident/input.ts'
import type { FoldCommit } from './fold.ts'
import type { Claim, ClaimAtOnce } from './outbox.ts'

/** A row of `incident_input` that nobody has folded yet; `incidentId` is given where it is meant for one incident. */
type WaitingInput = { incidentId: string | null; input: IncidentInput }

/** One home as the escalation needs it, all of one snapshot. */
export type EscalationView = {
  /** The database's clock. */
  nowMs: number
  /** How many passes there have been over this home: the commit's is the next one, or somebody else was faster. */
  lastPass: number
  /** The unresolved ones, and those that an input is meant for. */
  incidents: Incident[]
  /** In the home's order; `moreInputs` when more wait than one pass takes. */
  inputs: WaitingInput[]
  moreInputs: boolean
  facts: Facts
  /** What the codes were based on; the commit finds out whether somebody else gave one meanwhile. */
  codes: GivenCode[]
  /** As many as were asked for, in order: ids of inputs that are written with the pass that folds them. */
  drawnIds: string[]
}
export type GivenCode = { ref: string; code: number; givenAtMs: number; xid: string; incidentId: string }

type AppliedInput = {
  inputId: string
  incidentId: string | null
  appliedVersion: number | null
  result: FoldVerdict | null
  /** Why the fold could not take it; null when it could. */
  rejected: string | null
}

export type NewMessage = {
  outboxId: string
  incidentId: string
  recipient: string
  purpose: string
  priority: number
  code: number | null
  body: string
  /** Receipt time of the signal that opened the incident, on its first messages only. */
  raisedAtMs: number | null
  /** The secret in the link, where the text has one. */
  linkToken: string | null
}

/** Who is told next, by name where somebody is, and when; epoch ms. For the pages. */
export type NextStep = { who: string | null; at: number }

/** Everything one pass over a home decided. Written whole or not at all. */
export type EscalationCommit = {
  homeId: string
  nowMs: number
  /** Under which its links were written. */
  publicUrl: string
  incidents: { incident: Incident; expectedVersion: number | null; nextStep: NextStep | null }[]
  inputs: AppliedInput[]
  timers: { incidentId: string; appliedVersion: number }[]
  events: { incidentId: string; event: IncidentEvent }[]
  messages: NewMessage[]
  withdrawnOutboxIds: string[]
  /** Incidents that pages and devices have to look at again. */
  changedIncidentIds: string[]
  /** What it went by where it chose new codes: `facts.usedCodes` of those persons. A replay needs no others. */
  usedCodes: Facts['usedCodes']
  view: EscalationView
}

/** A home whose incidents wait for a pass. `onlyTechnical`: with what `homesToAdvance` leaves to the sweep. */
type DueIncidents = { homeId: string; onlyTechnical: boolean }

export type Incidents = {
  /** @param drawIds how many inputs may be written with the pass that is made from it */
  readHome(homeId: string, drawIds?: number): Promise<EscalationView>
  /**
   * Null: somebody else was faster, or an input before those of this pass waits; nothing was written. Else what of its
   * messages was claimed for who sends them, as `claim` says.
   */
  commit(commit: EscalationCommit, claim: ClaimAtOnce | null): Promise<Claim | null>
  /**
   * The same in one commit with the fold that raised the signals among its inputs: they have the view's first drawn ids.
   * Null also where the fold lost its race.
   */
  commitWithFold(fold: FoldCommit, commit: EscalationCommit, claim: ClaimAtOnce | null): Promise<Claim | null>
  /** Writes down an input; the escalation folds it afterwards. Returns its id: the same for the same `origin`. */
  addInput(homeId: string, incidentId: string | null, input: NewInput, source: InputSource): Promise<string>
  /** What was said to an input that another worker folded; null while nobody has. */
  readResult(homeId: string, inputId: string): Promise<FoldVerdict | null>
  /** Homes with a timer due at `steadyNowMs` or an input that waits longer than `waitedMs`, most urgent first. */
  dueHomes(asked: { steadyNowMs: number; waitedMs: number; limit: number }): Promise<DueIncidents[]>
  /** The database's clock, and the latest time that any unresolved incident was folded with. */
  readClock(): Promise<{ nowMs: number; lastFoldedMs: number }>
  /** Who somebody is for this home now: a contact, or a user (as the contact that the user is tied to, if any). */
  findResponder(homeId: string, ref: string): Promise<Responder | null>
  /** The same of somebody who is on the list no longer: a removed contact, a user whose account is closed. */
  findFormer(homeId: string, ref: string): Promise<Responder | null>
}
/**
 * Where an input came from. `origin` names it, so that the same one is written once; `actor` is the account that was signed
 * in (`user:<id>`), which goes on the audit log: it may answer as a contact of the home. `via`: a link was enough, nobody was.
 */
export type InputSource = { origin?: string; actor?: string; via?: 'link' }
/** An input before it has an id. */
export type NewInput = IncidentInput extends infer Input
  ? Input extends unknown
    ? Omit<Input, 'inputId'>
    : never
  : never
