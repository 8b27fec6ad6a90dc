import {
  addToldMessage,
  type Draft,
  named,
  record,
  send,
  toldRow,
  urgency,
  withdrawPending,
} from '../incident/draft.ts'
import type { Incident, ToldMessage, ToldPerson } from '../incident/incident.ts'
import type { Message } from '../message/message.ts'
import { peopleFor, type Responder } from './people.ts'
import { CRITICAL_LAST_RESORT, type EscalationPolicy, SHORTEST_REPEAT_S, type Target } from './policy.ts'

/** Moves an open incident through its policy: steps, rounds, and what comes after them. */

/** A press that was this old when it reached us says so in its text. */
export const LATE_AFTER_MS = 5 * 60_000

/** From the policy's first step: when the incident opens, and when it has worsened. */
export function startEscalation(draft: Draft): void {
  const { position, policy } = draft.incident
  position.lastRound = position.round + policy.rounds
  beginRound(draft, position.round + 1)
}

/** The step time has come: the next step, the next round, or the next repetition. */
export function advance(draft: Draft): void {
  const { position, policy } = draft.incident
  if (position.round > position.lastRound || position.nextStep >= policy.steps.length)
    beginRound(draft, position.round + 1)
  else runSteps(draft, false)
}

/** Somebody had it and no longer has: the next step at once, the later ones at their distance from it. */
export function resumeEscalation(draft: Draft): void {
  const { position, policy } = draft.incident
  const next = policy.steps[position.nextStep]
  if (position.round > position.lastRound || !next) {
    // Without a last resort the rounds are over; somebody must still hear that it is open again.
    if (!lastResortOf(draft.incident)) position.lastRound = position.round + 1
    beginRound(draft, position.round + 1)
    return
  }
  position.roundStartedAt = draft.now - next.afterS * 1000
  runSteps(draft, false)
}

/**
 * A step has come to nothing after it was sent (all its messages failed for good, or all said they cannot come):
 * the next step at once, unless a later one has been told already.
 */
export function stepCameToNothing(draft: Draft, step: number): void {
  const { position, policy } = draft.incident
  const afterS = policy.steps[step]?.afterS ?? 0
  const laterHasRun = policy.steps.slice(0, position.nextStep).some((other) => other.afterS > afterS)
  if (!laterHasRun) runSteps(draft, true)
}

export function clearEscalation(incident: Incident): void {
  incident.due.step = null
  incident.due.retell = null
}

function beginRound(draft: Draft, round: number): void {
  const { incident, now } = draft
  const { lastRound } = incident.position
  incident.position = { round, lastRound, nextStep: 0, roundStartedAt: now, lastStepAt: now }
  if (round > lastRound) repeatLastResort(draft)
  else runSteps(draft, false)
}

function repeatLastResort(draft: Draft): void {
  const { incident, now } = draft
  const lastResort = lastResortOf(incident)
  if (!lastResort) {
    // Said once: the due time is gone, so nothing comes back here.
    if (incident.policy.steps.length > 0) record(draft, { type: 'EscalationEnded' })
    incident.due.step = null
    return
  }
  tellLastResort(draft)
  incident.due.step = now + Math.max(lastResort.everyS, SHORTEST_REPEAT_S) * 1000
}

function tellLastResort(draft: Draft): void {
  const targets = lastResortOf(draft.incident)?.targets ?? []
  const reached = targets.map((target) => tellTarget(draft, target, null)).some((told) => told)
  if (!reached) record(draft, { type: 'NobodyReachable', round: draft.incident.position.round })
}

function lastResortOf(incident: Incident): EscalationPolicy['lastResort'] {
  return incident.policy.lastResort ?? (incident.severity === 'critical' ? CRITICAL_LAST_RESORT : null)
}

/**
 * Runs every step whose time has come. `pull` brings the next step forward: a step that reaches nobody must not
 * cost its waiting time. A step due anyway does not use the pull up, so the one after it still comes forward.
 */
function runSteps(draft: Draft, pull: boolean): void {
  const { incident, now } = draft
  const { position, policy } = incident
  let pulling = pull
  for (let step = policy.steps[position.nextStep]; step; step = policy.steps[position.nextStep]) {
    const early = position.roundStartedAt + step.afterS * 1000 > now
    if (early && !pulling) break
    const index = position.nextStep
    position.nextStep += 1
    position.lastStepAt = now
    const reached = tellTarget(draft, step.target, index)
    if (!reached) pulling = true
    else if (early) pulling = false
  }
  // A whole round that reaches nobody must not cost three rounds of waiting: the last resort is asked now.
  if (policy.steps.length > 0 && !policy.steps[position.nextStep] && !anyoneTellableIn(incident, position.round)) {
    tellLastResort(draft)
  }
  incident.due.step = nextStepDue(incident)
}

function nextStepDue(incident: Incident): number {
  const { position, policy } = incident
  const next = policy.steps[position.nextStep]
  if (next) return position.roundStartedAt + next.afterS * 1000
  const roundMs = Math.max(policy.roundS, SHORTEST_REPEAT_S) * 1000
  const lastAfterMs = (policy.steps.at(-1)?.afterS ?? 0) * 1000
  // After a time away the last step came late; the pause behind it stays what it should have been.
  return Math.max(
    position.roundStartedAt + roundMs,
    position.lastStepAt + Math.max(roundMs - lastAfterMs, SHORTEST_REPEAT_S * 1000),
  )
}

function anyoneTellableIn(incident: Incident, round: number): boolean {
  return incident.told.some(
    (row) => row.declinedInRound !== round && row.messages.some((m) => m.round === round && mayStillReach(m)),
  )
}

function mayStillReach(message: ToldMessage): boolean {
  return message.status !== 'failed' && message.status !== 'unconfirmed' && message.status !== 'withdrawn'
}

/** Whether every message of a step of the running round has failed for good, or been answered "I cannot". */
export function stepIsSpent(incident: Incident, step: number): boolean {
  const { round } = incident.position
  return incident.told.every(
    (row) =>
      row.declinedInRound === round ||
      !row.messages.some((m) => m.round === round && m.step === step && mayStillReach(m)),
  )
}

/** Tells everybody a target means now; false when that was nobody, which is said in the story. */
export function tellTarget(draft: Draft, target: Target, step: number | null): boolean {
  const { incident, facts } = draft
  const { round } = incident.position
  const everyone = peopleFor(target, facts)
  const withPhone = everyone.filter((person) => person.hasPhone)
  const willing = withPhone.filter((person) => rowOf(incident, person)?.declinedInRound !== round)
  if (willing.length === 0) {
    const reason = everyone.length === 0 ? 'nobody-assigned' : withPhone.length === 0 ? 'nobody-reachable' : 'declined'
    record(draft, { type: 'StepSkipped', target, round, reason })
    return false
  }
  const people = willing.filter((person) => !toldInThisFold(draft, person))
  if (people.length === 0) return true
  for (const person of people) tellAlarm(draft, person, step)
  const unreachable = everyone.filter((person) => !person.hasPhone)
  record(draft, { type: 'Told', target, round, people: people.map(named), unreachable: unreachable.map(named) })
  return true
}

function rowOf(incident: Incident, person: Responder): ToldPerson | undefined {
  return incident.told.find((row) => row.person.ref === person.ref)
}

/** One person can be the worker on call and the supervisor: one message is enough for one moment. */
function toldInThisFold(draft: Draft, person: Responder): boolean {
  return draft.effects.some(
    (effect) => effect.type === 'SendSms' && effect.message.purpose === 'alarm' && effect.recipient.ref === person.ref,
  )
}

/** Tells one person now. An earlier message that still waits is replaced, so a recovering provider sends one, not ten. */
export function tellAlarm(draft: Draft, person: Responder, step: number | null): void {
  const { incident, now } = draft
  const row = toldRow(draft, person)
  withdrawPending(draft, [row])
  row.upToDate = true
  const options = { code: row.code, priority: urgency(incident.severity), withLink: true }
  const outboxId = send(draft, row.person, alarmMessage(draft), options)
  if (outboxId === null) return
  addToldMessage(row, { outboxId, at: now, round: incident.position.round, step, status: 'pending' })
}

function alarmMessage({ incident, facts, now }: Draft): Message {
  return {
    purpose: 'alarm',
    home: facts.home.label,
    kind: incident.kind,
    severity: incident.severity,
    why: incident.why,
    room: latestRoom(incident),
    ageMin: incident.lateByMs < LATE_AFTER_MS ? 0 : Math.floor(incident.lateByMs / 60_000),
    waitingMin: Math.floor((now - incident.openedAt) / 60_000),
    presses: incident.raisedCount,
    returned: incident.condition === 'returned',
    takenBefore: incident.takenBefore?.name ?? null,
  }
}

/** The room of the device that spoke last. */
export function latestRoom(incident: Incident): string | null {
  const latest = incident.sources.reduce<Incident['sources'][number] | null>(
    (newest, source) => (newest === null || source.raisedAt >= newest.raisedAt ? source : newest),
    null,
  )
  return latest?.room ?? null
}
