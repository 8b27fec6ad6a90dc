import { clearEscalation, resumeEscalation } from '../escalation/escalate.ts'
import { isFamily, type Responder } from '../escalation/people.ts'
import { ARRIVED_ASK_AFTER_S } from '../escalation/policy.ts'
import type { Message, Outcome } from '../message/message.ts'
import { LIFE_SAFETY_KINDS } from '../signal.ts'
import { bringUpToDate, type Draft, named, record, send, tellHome, toldRow, withdrawPending } from './draft.ts'
import type { ResumeReason } from './effect.ts'
import { type AnswerVia, type Incident, NOTHING_DUE } from './incident.ts'

/** The changes of handling: somebody takes it, somebody loses it, it ends. */

export function about(draft: Draft) {
  return { home: draft.facts.home.label, kind: draft.incident.kind }
}

/** Makes `by` the one who has it. Messages not yet sent are stopped, everybody already told learns who it is. */
export function giveTo(draft: Draft, by: Responder, via: AnswerVia): void {
  const { incident, now } = draft
  const { ref, name, role, language, hasPhone } = by
  incident.status = 'acknowledged'
  incident.takenBy = { ref, name, role, language, hasPhone, at: now, via }
  incident.handOverTo = null
  incident.arrivedAt = null
  incident.joined = incident.joined.filter((person) => person.ref !== ref)
  incident.silentAtDesk = deskWatches(incident, by)
  clearEscalation(incident)
  awaitNoArrival(incident)
  startAskingClock(draft)
  withdrawPending(draft, incident.told)
  bringUpToDate(draft, [ref], () => ({ ...about(draft), purpose: 'taken', by: name }))
  tellHome(draft)
  confirmTake(draft, by, via)
}

/** The page says it to whoever took it there; who wrote or followed a link has only the phone in hand. */
function confirmTake(draft: Draft, by: Responder, via: AnswerVia): void {
  const { policy } = draft.incident
  if (via === 'api') return
  const message: Message = {
    ...about(draft),
    purpose: 'you-took',
    askAfterMin: policy.taken ? Math.round(policy.taken.askAfterS / 60) : 0,
  }
  send(draft, by, message, { code: toldRow(draft, by).code, priority: 1, withLink: true })
}

/** Taken by family, a call for help, smoke, gas and CO stay before the desk's eyes without a sound (P4). */
export function deskWatches({ kind }: Incident, by: { role: Responder['role'] }): boolean {
  return isFamily(by) && LIFE_SAFETY_KINDS.includes(kind)
}

/** Nobody is awaited on account of a new alarm any more, so the next press is told again. */
export function awaitNoArrival(incident: Incident): void {
  incident.due.arrive = null
  for (const source of incident.sources) source.takerToldAt = null
}

/** When the taker is asked next: on the way as the policy says, once they have arrived less often, but for ever. */
export function startAskingClock(draft: Draft): void {
  const { incident, now } = draft
  const { taken } = incident.policy
  incident.due.answer = null
  const askAfterS = incident.arrivedAt === null ? taken?.askAfterS : ARRIVED_ASK_AFTER_S
  incident.due.ask = taken && askAfterS !== undefined ? now + askAfterS * 1000 : null
}

/** The one who had it has it no longer: open again, and the escalation goes on with its next step at once. */
export function release(draft: Draft, reason: ResumeReason): void {
  const { incident } = draft
  const from = incident.takenBy
  if (!from) return
  record(draft, { type: 'EscalationResumed', reason, from: named(from) })
  reopen(draft)
  resumeEscalation(draft)
}

function reopen(draft: Draft): void {
  const { incident } = draft
  incident.takenBefore = incident.takenBy ?? incident.takenBefore
  incident.takenBy = null
  incident.handOverTo = null
  incident.arrivedAt = null
  incident.silentAtDesk = false
  incident.status = 'open'
  incident.due = { ...NOTHING_DUE }
  for (const row of incident.told) row.upToDate = false
  tellHome(draft)
}

export function close(draft: Draft, outcome: Outcome, by: Responder | null, note: string | null): void {
  const { incident, now } = draft
  incident.status = 'resolved'
  incident.outcome = outcome
  incident.resolvedAt = now
  incident.silentAtDesk = false
  incident.handOverTo = null
  incident.due = { ...NOTHING_DUE }
  record(draft, { type: 'Resolved', outcome, by: by && named(by), note })
  withdrawPending(draft, incident.told)
  bringUpToDate(draft, by ? [by.ref] : [], () => endMessage(draft, by?.name ?? null))
  tellHome(draft)
}

/** How it ended, for those who had been told it began. Nobody's name: it was cancelled where it came from. */
function endMessage(draft: Draft, by: string | null): Message {
  if (by === null) return { ...about(draft), purpose: 'cancelled' }
  return { ...about(draft), purpose: 'resolved', outcome: draft.incident.outcome ?? 'real', by }
}

/** How things stand, for somebody whose message left after it had been withdrawn; null while it is still open. */
export function standing(draft: Draft): Message | null {
  const { incident } = draft
  switch (incident.status) {
    case 'open':
      return null
    case 'acknowledged':
      return incident.takenBy && { ...about(draft), purpose: 'taken', by: incident.takenBy.name }
    case 'resolved':
      return { ...about(draft), purpose: 'already-resolved', outcome: incident.outcome ?? 'real' }
  }
}
