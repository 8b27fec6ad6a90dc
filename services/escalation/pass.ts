import type { Facts } from '../core/escalation/people.ts'
import { DEFAULT_POLICIES } from '../core/escalation/policy.ts'
import type { FoldResult } from '../core/incident/effect.ts'
import { foldIncident } from '../core/incident/fold.ts'
import type { Incident } from '../core/incident/incident.ts'
import type { IncidentInput } from '../core/incident/input.ts'
import { fireTimer } from '../core/incident/timers.ts'
import type { EscalationCommit, EscalationView, NewMessage, NextStep } from '../ports.ts'
import type { MessageWriter, WriteMessage } from './messages.ts'
import { nextStepOf } from './next-step.ts'

/** One incident fires at most so often in one pass; what is still due then comes with the next. */
const MAX_TIMERS_PER_INCIDENT = 10

type Pass = {
  commit: EscalationCommit
  /** The view's, and the codes that this pass has given since: no phone gets one twice. */
  facts: Facts
  /** The home's incidents as they stand after what has been folded so far. */
  incidents: Map<string, Incident>
  write: WriteMessage
  /** The id of an input, or whose timer it was. */
  onRefused(what: string, error: unknown): void
}

/**
 * What one pass over a home decides: folds the waiting inputs in their order, then fires what is due. Pure, given how
 * messages are written. Null: there was nothing to do.
 */
export function planPass(
  homeId: string,
  view: EscalationView,
  nowMs: number,
  { publicUrl, write }: MessageWriter,
  onRefused: Pass['onRefused'],
): EscalationCommit | null {
  const pass: Pass = {
    commit: {
      homeId,
      nowMs,
      publicUrl,
      incidents: [],
      inputs: [],
      timers: [],
      events: [],
      messages: [],
      withdrawnOutboxIds: [],
      changedIncidentIds: [],
      usedCodes: {},
      view,
    },
    facts: { ...view.facts, usedCodes: { ...view.facts.usedCodes } },
    incidents: new Map(view.incidents.map((incident) => [incident.id, incident])),
    write,
    onRefused,
  }
  for (const waiting of view.inputs) applyInput(pass, waiting.incidentId, waiting.input)
  for (const id of [...pass.incidents.keys()]) fireDue(pass, id)
  return finishPass(pass)
}

function applyInput(pass: Pass, incidentId: string | null, input: IncidentInput): void {
  const { commit } = pass
  const { inputId } = input
  try {
    const { incident, result } = foldWarily(pass, incidentFor(pass, incidentId, input), input)
    commit.inputs.push({
      inputId,
      incidentId: incident?.id ?? incidentId,
      appliedVersion: incident?.version ?? null,
      result,
      rejected: null,
    })
  } catch (error) {
    // One input that the fold cannot take must not keep a home's other alarms waiting.
    pass.onRefused(inputId, error)
    commit.inputs.push({ inputId, incidentId, appliedVersion: null, result: null, rejected: 'fold-failed' })
  }
}

/** A home whose own policies cannot be followed has its alarms told by the defaults. */
function foldWarily(pass: Pass, before: Incident | null, input: IncidentInput): FoldResult {
  const { facts } = pass
  try {
    return foldWith(pass, before, input, facts)
  } catch (error) {
    const result = foldWith(pass, before, input, { ...facts, policies: DEFAULT_POLICIES })
    pass.onRefused(input.inputId, error)
    return result
  }
}

function foldWith(pass: Pass, before: Incident | null, input: IncidentInput, facts: Facts): FoldResult {
  const folded = foldIncident(before, input, facts, pass.commit.nowMs)
  const raisedAtMs = before === null && input.type === 'SignalReceived' ? input.signal.receivedAt : null
  keep(pass, folded, raisedAtMs)
  return folded
}

function incidentFor(pass: Pass, incidentId: string | null, input: IncidentInput): Incident | null {
  if (incidentId !== null) return pass.incidents.get(incidentId) ?? null
  if (input.type !== 'SignalReceived') return null
  const { kind, subject } = input.signal
  for (const incident of pass.incidents.values()) {
    if (incident.status !== 'resolved' && incident.kind === kind && incident.subject === subject) return incident
  }
  return null
}

function fireDue(pass: Pass, id: string): void {
  const { commit } = pass
  for (let fired = 0; fired < MAX_TIMERS_PER_INCIDENT; fired += 1) {
    const incident = pass.incidents.get(id)
    if (!incident || incident.wakeAt === null || incident.wakeAt > commit.nowMs) return
    try {
      const folded = fireTimer(incident, pass.facts, commit.nowMs)
      if (folded.incident === null || folded.incident.version === incident.version) return
      keep(pass, folded, null)
      commit.timers.push({ incidentId: id, appliedVersion: folded.incident.version })
    } catch (error) {
      // It stays due, and the home's other incidents go on.
      pass.onRefused(`timer of ${id}`, error)
      return
    }
  }
}

/** What a fold came to: all of it or, where its messages cannot be written, nothing. */
function keep(pass: Pass, { incident, effects, events }: FoldResult, raisedAtMs: number | null): void {
  if (!incident) return
  const { commit } = pass
  const messages = effects.flatMap((effect) =>
    effect.type === 'SendSms' ? [pass.write(incident.id, effect, raisedAtMs)] : [],
  )
  pass.incidents.set(incident.id, incident)
  useCodes(pass, incident)
  commit.messages.push(...messages)
  commit.events.push(...events.map((event) => ({ incidentId: incident.id, event })))
  for (const effect of effects) {
    switch (effect.type) {
      case 'SendSms':
        break
      case 'WithdrawPending':
        commit.withdrawnOutboxIds.push(...effect.outboxIds)
        break
      case 'TellHome':
        // The change row tells them to look; what they show is read from the incident itself.
        commit.changedIncidentIds.push(incident.id)
        break
    }
  }
}

function useCodes({ facts: { usedCodes } }: Pass, { told }: Incident): void {
  for (const { person, code } of told) {
    const used = usedCodes[person.ref] ?? []
    if (!used.includes(code)) usedCodes[person.ref] = [...used, code]
  }
}

/** The used codes of whoever was given a new one. */
function codesNeeded({ incidents, view }: EscalationCommit): Facts['usedCodes'] {
  const toldBefore = new Map(view.incidents.map(({ id, told }) => [id, new Set(told.map(({ person }) => person.ref))]))
  const needed: Facts['usedCodes'] = {}
  for (const { incident } of incidents) {
    for (const { person } of incident.told) {
      const used = view.facts.usedCodes[person.ref]
      if (used && !toldBefore.get(incident.id)?.has(person.ref)) needed[person.ref] = used
    }
  }
  return needed
}

function finishPass(pass: Pass): EscalationCommit | null {
  const { commit, incidents } = pass
  const versions = new Map(commit.view.incidents.map((incident) => [incident.id, incident.version]))
  for (const incident of incidents.values()) {
    const expectedVersion = versions.get(incident.id) ?? null
    if (incident.version === expectedVersion) continue
    commit.incidents.push({ incident, expectedVersion, nextStep: nextStepWarily(pass, incident) })
    commit.changedIncidentIds.push(incident.id)
  }
  if (commit.incidents.length === 0 && commit.inputs.length === 0) return null
  const unwanted = new Set(commit.withdrawnOutboxIds)
  const wanted = (message: NewMessage) => !unwanted.has(message.outboxId)
  return {
    ...commit,
    messages: commit.messages.filter(wanted),
    usedCodes: codesNeeded(commit),
    changedIncidentIds: [...new Set(commit.changedIncidentIds)],
  }
}

/** Only a display: an incident of which it cannot be told must not keep the home's other alarms waiting. */
function nextStepWarily({ commit, onRefused }: Pass, incident: Incident): NextStep | null {
  try {
    return nextStepOf(incident, commit.view.facts)
  } catch (error) {
    onRefused(`next step of ${incident.id}`, error)
    return null
  }
}
