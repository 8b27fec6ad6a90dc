import { LATE_AFTER_MS, latestRoom, startEscalation, tellAlarm } from '../escalation/escalate.ts'
import { type Facts, isOffTheList } from '../escalation/people.ts'
import { policyFor } from '../escalation/policy.ts'
import { SEVERITIES, type Severity, type Signal } from '../signal.ts'
import { type Draft, named, record, send, tellHome, toldRow, urgency } from './draft.ts'
import { about, close, deskWatches, release } from './handling.ts'
import { type Incident, incidentIdFor, NOTHING_DUE, type Source } from './incident.ts'

/** What the devices say: an incident opens, is raised again, returns, is cancelled. */

type Raised = Extract<Signal, { type: 'ConditionRaised' }>

export function openIncident(signal: Raised, inputId: string, facts: Facts, now: number): Draft {
  const incident: Incident = {
    id: incidentIdFor(facts.home.id, inputId),
    homeId: facts.home.id,
    kind: signal.kind,
    subject: signal.subject,
    severity: signal.severity,
    condition: 'active',
    status: 'open',
    why: signal.why,
    sources: [sourceOf(signal)],
    raisedCount: 1,
    openedAt: now,
    lateByMs: Math.max(0, now - signal.at),
    takenBy: null,
    takenBefore: null,
    handOverTo: null,
    joined: [],
    arrivedAt: null,
    silentAtDesk: false,
    outcome: null,
    resolvedAt: null,
    policy: structuredClone(policyFor(signal.kind, signal.severity, facts.policies)),
    position: { round: 0, lastRound: 0, nextStep: 0, roundStartedAt: now, lastStepAt: now },
    told: [],
    due: { ...NOTHING_DUE },
    question: null,
    wakeAt: null,
    messageCount: 0,
    eventCount: 0,
    version: 0,
  }
  const draft: Draft = { incident, facts, now, effects: [], events: [] }
  const { why, severity, deviceId, room, test } = signal
  record(draft, { type: 'Opened', why, severity, deviceId, room, test })
  if (test) {
    // A test in test mode is on the record and on the lamp; no person is told.
    close(draft, 'test', null, null)
    return draft
  }
  tellHome(draft)
  startEscalation(draft)
  return draft
}

function sourceOf({ deviceId, deviceKind, room, at }: Signal): Source {
  return { deviceId, deviceKind, room, raisedAt: at, cancelled: false, takerToldAt: null }
}

/** The same condition again: a repeated press, a further device, an alarm after it had returned, or a worse one. */
export function raiseAgain(draft: Draft, signal: Raised): void {
  const { incident } = draft
  if (signal.test) {
    record(draft, { type: 'TestSeen', deviceId: signal.deviceId })
    return
  }
  const known = incident.sources.find((source) => source.deviceId === signal.deviceId)
  const isAnew = !known || known.cancelled || incident.condition === 'returned'
  const isNews = isAnew || signal.kind === 'sos'
  const isWorse = rank(signal.severity) > rank(incident.severity)
  if (!isNews && !isWorse) return

  const source = { ...sourceOf(signal), takerToldAt: known?.takerToldAt ?? null }
  if (known) Object.assign(known, source)
  else incident.sources.push(source)
  incident.condition = 'active'
  incident.raisedCount += 1
  rejuvenate(draft, signal)
  const { why, deviceId, room } = signal
  record(draft, { type: 'RaisedAgain', why, deviceId, room, raisedCount: incident.raisedCount })
  // Whoever pressed must see and hear that this press, too, was received.
  tellHome(draft)
  if (isWorse) worsen(draft, signal)
  else if (incident.status === 'open') tellAgainLater(draft)
  else if (isAnew || !takerJustTold(draft, source)) tellTaker(draft, deviceId)
}

/** A call that comes now must not be told as hours old because the one before it was: people would not run. */
function rejuvenate({ incident, now }: Draft, signal: Raised): void {
  const lateByMs = Math.max(0, now - signal.at)
  const isInTime = lateByMs < LATE_AFTER_MS
  incident.lateByMs = Math.min(incident.lateByMs, isInTime ? 0 : lateByMs)
  if (isInTime && rank(signal.severity) >= rank(incident.severity)) incident.why = signal.why
}

/** Lower ranks come later in the list of severities. */
function rank(severity: Severity): number {
  return -SEVERITIES.indexOf(severity)
}

/** What was a warning is now critical: the critical policy from its first step, or at once to the one who has it. */
function worsen(draft: Draft, signal: Raised): void {
  const { incident, facts } = draft
  incident.severity = signal.severity
  incident.why = signal.why
  incident.policy = structuredClone(policyFor(incident.kind, signal.severity, facts.policies))
  record(draft, { type: 'Worsened', severity: signal.severity, why: signal.why })
  if (incident.status === 'acknowledged') tellTaker(draft, signal.deviceId)
  else startEscalation(draft)
}

/** The same button pressed again and again is counted; the taker has been told of it and is still awaited. */
function takerJustTold({ incident, now }: Draft, { takerToldAt }: Source): boolean {
  return takerToldAt !== null && now < takerToldAt + incident.policy.arriveWithinS * 1000
}

/** At once, and with the escalation behind it: whoever had arrived may have left since, so their arrival counts no more. */
function tellTaker(draft: Draft, deviceId: string): void {
  const { incident, facts, now } = draft
  const { takenBy, policy, due } = incident
  if (!takenBy) return
  if (isOffTheList(takenBy, facts)) {
    release(draft, 'no-longer-listed')
    return
  }
  incident.arrivedAt = null
  incident.silentAtDesk = deskWatches(incident, takenBy)
  due.arrive ??= now + policy.arriveWithinS * 1000
  for (const source of incident.sources) if (source.deviceId === deviceId) source.takerToldAt = now
  record(draft, { type: 'TakerToldOfNewAlarm', by: named(takenBy) })
  if (!takenBy.hasPhone) return
  const message = {
    ...about(draft),
    home: facts.home.label,
    purpose: 're-alarm' as const,
    why: incident.why,
    room: latestRoom(incident),
    presses: incident.raisedCount,
    arriveWithinS: Math.max(0, Math.ceil((due.arrive - now) / 1000)),
  }
  const { code } = toldRow(draft, takenBy)
  incident.question = send(draft, takenBy, message, { code, priority: urgency(incident.severity), withLink: true })
}

/** Nobody has it yet: those told more than `retellAfterS` ago are told again as soon as that time is over. */
function tellAgainLater(draft: Draft): void {
  const { incident, now } = draft
  const lastTold = incident.told.flatMap((row) => row.messages.at(-1)?.at ?? [])
  if (lastTold.length === 0) return
  incident.due.retell ??= Math.max(now, Math.min(...lastTold) + incident.policy.retellAfterS * 1000)
  if (incident.due.retell <= now) retell(draft)
}

export function retell(draft: Draft): void {
  const { incident, facts, now } = draft
  incident.due.retell = null
  const since = now - incident.policy.retellAfterS * 1000
  const waiting = incident.told.filter((row) => {
    const last = row.messages.at(-1)
    if (!last || last.at > since || !row.person.hasPhone || isOffTheList(row.person, facts)) return false
    return row.declinedInRound !== incident.position.round
  })
  if (waiting.length === 0) return
  for (const row of waiting) tellAlarm(draft, row.person, null)
  const people = waiting.map((row) => named(row.person))
  record(draft, { type: 'Told', target: 'again', round: incident.position.round, people, unreachable: [] })
}

/** The last device that held the condition let go of it. Nothing ends by that: nobody has looked yet. */
export function conditionReturned(draft: Draft, signal: Signal): void {
  if (draft.incident.condition === 'returned') return
  draft.incident.condition = 'returned'
  record(draft, { type: 'ConditionReturned', deviceId: signal.deviceId })
}

/**
 * Cancelled where it came from: each device takes back its own call and nobody else's. When all have, and before anyone
 * took it, that ends it, and everybody told hears so; after that the one who took it decides.
 */
export function conditionCancelled(draft: Draft, signal: Signal): void {
  const { incident } = draft
  const source = incident.sources.find(({ deviceId }) => deviceId === signal.deviceId)
  if (!source || source.cancelled) return
  source.cancelled = true
  record(draft, { type: 'CancelledAtSource', deviceId: signal.deviceId })
  if (!incident.sources.every(({ cancelled }) => cancelled)) return
  incident.condition = 'returned'
  if (incident.takenBy) {
    const { code } = toldRow(draft, incident.takenBy)
    send(
      draft,
      incident.takenBy,
      { ...about(draft), purpose: 'cancelled-you-decide' },
      { code, priority: 1, withLink: true },
    )
  } else if (incident.takenBefore === null) {
    close(draft, 'false-alarm', null, null)
  }
}
