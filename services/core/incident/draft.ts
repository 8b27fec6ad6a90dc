import { chooseCode, type Facts, isOffTheList, type Responder } from '../escalation/people.ts'
import type { Message } from '../message/message.ts'
import type { Severity } from '../signal.ts'
import type { FoldResult, FoldVerdict, IncidentEffect, IncidentEvent, IncidentEventBody, SendSms } from './effect.ts'
import { type Incident, MESSAGES_KEPT_PER_PERSON, type Named, type ToldMessage, type ToldPerson } from './incident.ts'

/** One fold's working copy: an incident that may be changed, and what the fold has decided so far. */
export type Draft = {
  incident: Incident
  facts: Facts
  now: number
  effects: IncidentEffect[]
  events: IncidentEvent[]
}

export function draftOf(incident: Incident, facts: Facts, now: number): Draft {
  return { incident: structuredClone(incident), facts, now, effects: [], events: [] }
}

/** Closes the fold: the version moves only when something changed, so that an answer given twice changes nothing. */
export function finish(draft: Draft, before: Incident | null, result: FoldVerdict): FoldResult {
  const { incident, effects, events } = draft
  incident.wakeAt = earliest(Object.values(incident.due))
  if (before && JSON.stringify(before) === JSON.stringify(incident)) {
    return { incident: before, effects, events, wakeAt: before.wakeAt, result }
  }
  incident.version += 1
  return { incident, effects, events, wakeAt: incident.wakeAt, result }
}

function earliest(times: (number | null)[]): number | null {
  const known = times.filter((time) => time !== null)
  return known.length > 0 ? Math.min(...known) : null
}

export function record(draft: Draft, body: IncidentEventBody): void {
  draft.incident.eventCount += 1
  draft.events.push({ seq: draft.incident.eventCount, at: draft.now, ...body })
}

export function named(person: Named): Named {
  return { ref: person.ref, name: person.name, role: person.role }
}

export function tellHome(draft: Draft): void {
  const { severity, status, takenBy } = draft.incident
  // A lamp does not light up for a battery.
  if (severity === 'technical') return
  draft.effects.push({ type: 'TellHome', status, takenBy: takenBy?.name ?? null })
}

type SendOptions = { code?: number | null; priority: SendSms['priority']; withLink?: boolean }

/** Writes one message; returns its outbox id, or null where the person has no phone. */
export function send(draft: Draft, recipient: Responder, message: Message, options: SendOptions): string | null {
  if (!recipient.hasPhone) return null
  draft.incident.messageCount += 1
  const outboxId = `${draft.incident.id}.${draft.incident.messageCount}`
  const { code = null, priority, withLink = false } = options
  draft.effects.push({ type: 'SendSms', outboxId, recipient: responder(recipient), message, code, priority, withLink })
  return outboxId
}

/** The person without what else the caller's object may carry (a taker's time, a contact's position). */
function responder(person: Responder): Responder {
  const { ref, name, role, language, hasPhone } = person
  return { ref, name, role, language, hasPhone }
}

export function urgency(severity: Severity): SendSms['priority'] {
  return severity === 'critical' ? 0 : 1
}

/** The person's row in the told list, made with a code of their own on the first telling. */
export function toldRow(draft: Draft, person: Responder): ToldPerson {
  const { incident, facts } = draft
  const known = incident.told.find((row) => row.person.ref === person.ref)
  if (known) {
    known.person = responder(person)
    return known
  }
  const code = chooseCode(incident.id, person.ref, facts.usedCodes[person.ref] ?? [])
  const row: ToldPerson = { person: responder(person), code, declinedInRound: null, upToDate: true, messages: [] }
  incident.told.push(row)
  return row
}

export function addToldMessage(row: ToldPerson, message: ToldMessage): void {
  row.messages.push(message)
  row.messages = row.messages.slice(-MESSAGES_KEPT_PER_PERSON)
}

/**
 * Takes back what has not left yet, of everybody or of one person. What may have left and is about to be tried again is
 * not sent a second time either, but whoever it went to counts as told.
 */
export function withdrawPending(draft: Draft, rows: ToldPerson[]): void {
  const outboxIds: string[] = []
  for (const message of rows.flatMap((row) => row.messages)) {
    if (message.status === 'pending') message.status = 'withdrawn'
    else if (message.status !== 'unknown') continue
    outboxIds.push(message.outboxId)
  }
  if (outboxIds.length > 0) draft.effects.push({ type: 'WithdrawPending', outboxIds })
}

/** Whether a message has reached this person, or may have. Some carriers never send a receipt, so a missing one says nothing. */
function wasReached(row: ToldPerson): boolean {
  return row.messages.some(({ status }) => {
    return status === 'accepted' || status === 'delivered' || status === 'unknown' || status === 'unconfirmed'
  })
}

/**
 * Tells everybody already told how things stand now, except those who did it themselves. Whoever's message was
 * still waiting is not told; should it turn out to have left after all, its receipt brings them up to date.
 */
export function bringUpToDate(
  draft: Draft,
  except: readonly string[],
  message: (row: ToldPerson) => Message | null,
): void {
  for (const row of draft.incident.told) {
    row.upToDate = except.includes(row.person.ref)
    if (row.upToDate || !wasReached(row) || isOffTheList(row.person, draft.facts)) continue
    inform(draft, row, message(row))
  }
}

export function inform(draft: Draft, row: ToldPerson, message: Message | null): void {
  row.upToDate = true
  if (message) send(draft, row.person, message, { priority: message.purpose === 'taken' ? 1 : 2 })
}
