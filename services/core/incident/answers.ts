import { stepCameToNothing, stepIsSpent, tellTarget } from '../escalation/escalate.ts'
import type { Responder } from '../escalation/people.ts'
import { addToldMessage, type Draft, named, record, send, toldRow, urgency } from './draft.ts'
import type { FoldVerdict } from './effect.ts'
import { about, awaitNoArrival, close, giveTo, release, startAskingClock } from './handling.ts'
import type { Answer } from './input.ts'

/** What people say. */

type Of<T extends Answer['type']> = Extract<Answer, { type: T }>

const ACCEPTED: FoldVerdict = { type: 'accepted' }

export function answered(draft: Draft, answer: Answer): FoldVerdict {
  switch (answer.type) {
    case 'Acknowledge':
      return acknowledge(draft, answer)
    case 'UnlistedTake':
      return refuseUnlistedTake(draft, answer.by)
    case 'StillOnIt':
      return stillOnIt(draft, answer.by)
    case 'CannotCome':
      return cannotCome(draft, answer)
    case 'Join':
      return join(draft, answer.by)
    case 'Arrived':
      return arrived(draft, answer)
    case 'Note':
      record(draft, { type: 'NoteAdded', by: named(answer.by), text: answer.text })
      return ACCEPTED
    case 'HandOver':
      return handOver(draft, answer)
    case 'Resolve':
      return resolve(draft, answer)
  }
}

function acknowledge(draft: Draft, { by, via }: Of<'Acknowledge'>): FoldVerdict {
  const { incident } = draft
  const { takenBy } = incident
  if (incident.status === 'resolved') return refuseLateTake(draft, by, via === 'sms')
  if (!takenBy) {
    record(draft, { type: 'Taken', by: named(by), via })
    giveTo(draft, by, via)
    return ACCEPTED
  }
  if (takenBy.ref === by.ref) return stillOnIt(draft, by)
  if (incident.handOverTo === by.ref) {
    record(draft, { type: 'HandedOver', from: named(takenBy), to: named(by) })
    giveTo(draft, by, via)
    return ACCEPTED
  }
  record(draft, { type: 'LateTakeRefused', by: named(by), reason: 'already-taken' })
  if (via === 'sms') {
    send(draft, by, { ...about(draft), purpose: 'already-taken', by: takenBy.name }, { priority: 2 })
  }
  return { type: 'alreadyTaken', by: { ...named(takenBy), at: takenBy.at } }
}

/** Resolved wins over a late take: the answer says how it ended. */
function refuseLateTake(draft: Draft, by: Responder, bySms: boolean): FoldVerdict {
  const outcome = draft.incident.outcome ?? 'real'
  record(draft, { type: 'LateTakeRefused', by: named(by), reason: 'already-resolved' })
  if (bySms) send(draft, by, { ...about(draft), purpose: 'already-resolved', outcome }, { priority: 2 })
  return { type: 'alreadyResolved', outcome }
}

/** Who answers them is not the fold: their phone may be another by now. Somebody must know that an offer was turned down. */
function refuseUnlistedTake(draft: Draft, by: Responder): FoldVerdict {
  const { incident } = draft
  record(draft, { type: 'UnlistedTakeRefused', by: named(by) })
  if (incident.takenBy?.ref === by.ref) release(draft, 'no-longer-listed')
  else if (incident.status === 'open' && !supervisorJustTold(draft)) tellTarget(draft, 'supervisor', null)
  return { type: 'notListed', handled: incident.status !== 'open' }
}

function supervisorJustTold({ incident, facts, now }: Draft): boolean {
  const refs = facts.supervisors.map(({ ref }) => ref)
  return incident.told.some(({ person, messages }) => {
    const last = messages.at(-1)
    return last && refs.includes(person.ref) && now < last.at + incident.policy.retellAfterS * 1000
  })
}

/** Only an asked question can be answered: a second "I have it" from the one who has it changes nothing. */
function stillOnIt(draft: Draft, by: Responder): FoldVerdict {
  const { incident } = draft
  if (incident.status === 'resolved') return { type: 'alreadyResolved', outcome: incident.outcome ?? 'real' }
  if (incident.takenBy?.ref !== by.ref) return { type: 'notAllowed', reason: 'not-the-taker' }
  if (incident.due.answer === null) return ACCEPTED
  record(draft, { type: 'StillOnItConfirmed', by: named(by) })
  startAskingClock(draft)
  return ACCEPTED
}

function cannotCome(draft: Draft, { by, via }: Of<'CannotCome'>): FoldVerdict {
  const { incident } = draft
  if (incident.status === 'resolved') return refuseLateTake(draft, by, via === 'sms')
  const row = incident.told.find(({ person }) => person.ref === by.ref)
  const { round } = incident.position
  // Said before, and since then neither taken nor asked for.
  const isAsked = incident.takenBy?.ref === by.ref || incident.handOverTo === by.ref
  if (row?.declinedInRound === round && !isAsked) return ACCEPTED
  if (row) row.declinedInRound = round
  if (incident.handOverTo === by.ref) incident.handOverTo = null
  record(draft, { type: 'CannotCome', by: named(by) })
  if (via === 'sms') send(draft, by, { ...about(draft), purpose: 'cannot-noted' }, { priority: 2 })
  if (incident.takenBy?.ref === by.ref) {
    release(draft, 'cannot-come')
  } else if (incident.status === 'open') {
    const step = row?.messages.findLast((message) => message.round === round && message.step !== null)?.step ?? null
    if (step !== null && stepIsSpent(incident, step)) stepCameToNothing(draft, step)
  }
  return ACCEPTED
}

function join(draft: Draft, by: Responder): FoldVerdict {
  const { incident } = draft
  if (incident.status === 'resolved') return { type: 'alreadyResolved', outcome: incident.outcome ?? 'real' }
  if (!incident.takenBy) return { type: 'notAllowed', reason: 'not-taken' }
  if (incident.takenBy.ref === by.ref || incident.joined.some(({ ref }) => ref === by.ref)) return ACCEPTED
  incident.joined.push(named(by))
  record(draft, { type: 'Joined', by: named(by) })
  return ACCEPTED
}

/** Whoever stands in the room has it: an arrival at an open incident takes it. */
function arrived(draft: Draft, { by, via = 'api' }: Of<'Arrived'>): FoldVerdict {
  const { incident, now } = draft
  if (incident.status === 'resolved') return { type: 'alreadyResolved', outcome: incident.outcome ?? 'real' }
  if (!incident.takenBy) {
    record(draft, { type: 'Taken', by: named(by), via })
    giveTo(draft, by, via)
  }
  awaitNoArrival(incident)
  incident.silentAtDesk = false
  if (incident.arrivedAt === null) {
    incident.arrivedAt = now
    record(draft, { type: 'Arrived', by: named(by) })
  } else if (incident.due.ask !== null) {
    return ACCEPTED
  }
  // Somebody is there. Whoever then closes nothing may have left again, so they are asked some time.
  startAskingClock(draft)
  return ACCEPTED
}

/** Asks another person to take it over; until they do, it stays where it is. */
function handOver(draft: Draft, { by, to }: Of<'HandOver'>): FoldVerdict {
  const { incident, now } = draft
  const { takenBy } = incident
  if (incident.status === 'resolved') return { type: 'alreadyResolved', outcome: incident.outcome ?? 'real' }
  if (!takenBy) return { type: 'notAllowed', reason: 'not-taken' }
  if (takenBy.ref === to.ref || incident.handOverTo === to.ref) return ACCEPTED
  incident.handOverTo = to.ref
  record(draft, { type: 'HandOverAsked', by: named(by), to: named(to) })
  const row = toldRow(draft, to)
  row.upToDate = true
  const options = { code: row.code, priority: urgency(incident.severity), withLink: true }
  const outboxId = send(draft, to, { ...about(draft), purpose: 'hand-over', from: takenBy.name }, options)
  if (outboxId !== null) {
    addToldMessage(row, { outboxId, at: now, round: incident.position.round, step: null, status: 'pending' })
  }
  return ACCEPTED
}

function resolve(draft: Draft, { by, outcome, note, personSeenOrHeard }: Of<'Resolve'>): FoldVerdict {
  const { incident } = draft
  if (incident.status === 'resolved') return { type: 'alreadyResolved', outcome: incident.outcome ?? 'real' }
  if (incident.severity === 'critical' && !personSeenOrHeard) return { type: 'notAllowed', reason: 'person-not-seen' }
  close(draft, outcome, by, note)
  return ACCEPTED
}
