import type { Incident } from './core/incident/incident.ts'
import type { IncidentInput } from './core/incident/input.ts'
import { firstDifference } from './core/replay/difference.ts'
import { addDifference, type ReplayReport } from './core/replay/report.ts'
import { createMessageWriter } from './escalation/messages.ts'
import { planPass } from './escalation/pass.ts'
import type { EscalationCommit, EscalationView } from './ports.ts'
import { linkToken } from './store/postgres/incident-links.ts'
import type { Database } from './store/postgres/pool.ts'
import {
  type HomeEnd,
  type RecordedPass,
  readEvents,
  readHomeEnd,
  readHomesWithPasses,
  readMessages,
  readPasses,
} from './store/postgres/replay-incidents.ts'
import type { Sealing } from './store/sealing.ts'

const HOMES_PER_READ = 500
/** A pass carries its facts, some KB. */
const PASSES_PER_READ = 200

type Parts = { database: Database; sealing: Sealing; report: ReplayReport }
type HomeRun = {
  homeId: string
  incidents: Map<string, Incident>
  outboxIds: Set<string>
  events: number
  lastPass: number
}

/**
 * The incident stream: every pass of the escalation planned again with what it was given, by the code that planned it;
 * what it answered, wrote and left behind against what is on record. One home is in memory at a time.
 */
export async function replayIncidents(parts: Parts, asked: { homeId: string | null }): Promise<void> {
  for (let after = ''; ; ) {
    const homeIds = await readHomesWithPasses(parts.database, { after, ...asked, limit: HOMES_PER_READ })
    for (const homeId of homeIds) await replayHome(parts, homeId)
    const last = homeIds.at(-1)
    if (!last || homeIds.length < HOMES_PER_READ) return
    after = last
  }
}

async function replayHome(parts: Parts, homeId: string): Promise<void> {
  const { database, sealing, report } = parts
  const home: HomeRun = { homeId, incidents: new Map(), outboxIds: new Set(), events: 0, lastPass: 0 }
  for (;;) {
    const passes = await readPasses(database, sealing, { homeId, after: home.lastPass, limit: PASSES_PER_READ })
    if (passes.length > 0) {
      await replayPasses(parts, home, passes)
      continue
    }
    const end = await readHomeEnd(database, homeId)
    // On a running platform there may be more of it by now.
    if (end.lastPass > home.lastPass) continue
    report.counts.incidents += home.incidents.size
    compareEnd(report, home, end)
    return
  }
}

async function replayPasses(parts: Parts, home: HomeRun, passes: RecordedPass[]): Promise<void> {
  const commits: EscalationCommit[] = []
  for (const pass of passes) {
    parts.report.counts.passes += 1
    home.lastPass = pass.pass
    const { publicUrl } = pass
    const writer = createMessageWriter({ publicUrl, linkToken: (outboxId) => linkToken(parts.sealing, outboxId) })
    const commit = planPass(home.homeId, viewOf(home, pass), pass.nowMs, writer, () => undefined)
    if (commit === null) {
      const detail = 'found nothing to do'
      addDifference(parts.report, { homeId: home.homeId, what: 'pass', id: String(pass.pass), detail })
      continue
    }
    for (const { incident } of commit.incidents) home.incidents.set(incident.id, incident)
    compareAnswers(parts.report, pass, commit)
    compareTimers(parts.report, pass, commit)
    commits.push(commit)
  }
  await compareMessages(parts, home, commits)
  await compareEvents(parts, home, commits)
}

/** The home as the pass found it: the unresolved incidents, and those that an input was meant for. */
function viewOf(home: HomeRun, pass: RecordedPass): EscalationView {
  const inputs = pass.inputs.map(({ inputId, incidentId, body }) => ({
    // Of a signal the pass itself found the incident.
    incidentId: body.type === 'SignalReceived' ? null : incidentId,
    input: { ...body, inputId } as IncidentInput,
  }))
  const meant = new Set(inputs.map(({ incidentId }) => incidentId))
  const incidents = [...home.incidents.values()]
    .filter(({ id, status }) => status !== 'resolved' || meant.has(id))
    .sort((a, b) => a.openedAt - b.openedAt || (a.id < b.id ? -1 : 1))
  const { nowMs, facts } = pass
  return { nowMs, lastPass: pass.pass - 1, incidents, inputs, moreInputs: false, facts, codes: [], drawnIds: [] }
}

function compareAnswers(report: ReplayReport, pass: RecordedPass, commit: EscalationCommit): void {
  for (const { body: _body, ...recorded } of pass.inputs) {
    const replayed = commit.inputs.find(({ inputId }) => inputId === recorded.inputId)
    const place = firstDifference(recorded, replayed)
    if (!place) continue
    addDifference(report, {
      homeId: commit.homeId,
      what: 'answer',
      id: recorded.inputId,
      detail: `differs at ${place}`,
    })
  }
}

function compareTimers(report: ReplayReport, pass: RecordedPass, commit: EscalationCommit): void {
  const nameOf = (timer: { incidentId: string; appliedVersion: number }) =>
    `${timer.incidentId} v${timer.appliedVersion}`
  const recorded = new Set(pass.timers.map(nameOf))
  const replayed = new Set(commit.timers.map(nameOf))
  for (const id of new Set([...recorded, ...replayed])) {
    if (recorded.has(id) && replayed.has(id)) continue
    const detail = recorded.has(id) ? `not fired again in pass ${pass.pass}` : `not on record in pass ${pass.pass}`
    addDifference(report, { homeId: commit.homeId, what: 'timer', id, detail })
  }
}

async function compareMessages({ database, sealing, report }: Parts, home: HomeRun, commits: EscalationCommit[]) {
  const { homeId } = home
  const messages = commits.flatMap((commit) => commit.messages)
  if (messages.length === 0) return
  const recorded = await readMessages(
    database,
    sealing,
    homeId,
    messages.map(({ outboxId }) => outboxId),
  )
  for (const { raisedAtMs: _raisedAtMs, linkToken: _linkToken, ...message } of messages) {
    home.outboxIds.add(message.outboxId)
    const row = recorded.get(message.outboxId)
    if (row === null) continue
    report.counts.messages += 1
    const place = row === undefined ? null : firstDifference(row, message)
    if (row && !place) continue
    const detail = place ? `differs at ${place}` : 'not in the outbox'
    addDifference(report, { homeId, what: 'message', id: message.outboxId, detail })
  }
}

async function compareEvents({ database, sealing, report }: Parts, home: HomeRun, commits: EscalationCommit[]) {
  const { homeId } = home
  const events = commits.flatMap((commit) => commit.events)
  home.events += events.length
  if (events.length === 0) return
  const wanted = events.map(({ incidentId, event }) => ({ incidentId, seq: event.seq }))
  const nameOf = (incidentId: string, seq: number) => `${incidentId} #${seq}`
  const recorded = new Map(
    (await readEvents(database, sealing, homeId, wanted)).map((row) => [nameOf(row.incidentId, row.seq), row]),
  )
  for (const { incidentId, event } of events) {
    const id = nameOf(incidentId, event.seq)
    const row = recorded.get(id)
    const place = row ? firstDifference({ ...row.body, seq: row.seq, at: row.at, type: row.type }, event) : 'the whole'
    if (place)
      addDifference(report, { homeId, what: 'event', id, detail: row ? `differs at ${place}` : 'not on record' })
  }
}

/** What the passes left behind, and whether there is anything that no pass wrote. */
function compareEnd(report: ReplayReport, home: HomeRun, end: HomeEnd): void {
  const { homeId } = home
  for (const id of new Set([...end.incidents.keys(), ...home.incidents.keys()])) {
    const [recorded, replayed] = [end.incidents.get(id), home.incidents.get(id)]
    const place = recorded && replayed ? firstDifference(recorded, replayed) : null
    if (recorded && replayed && !place) continue
    const detail = place ? `differs at ${place}` : recorded ? 'not replayed' : 'not on record'
    addDifference(report, { homeId, what: 'incident', id, detail })
  }
  for (const id of end.outboxIds) {
    if (!home.outboxIds.has(id)) addDifference(report, { homeId, what: 'message', id, detail: 'not replayed' })
  }
  if (end.eventCount !== home.events) {
    const detail = `${end.eventCount} on record, ${home.events} replayed`
    addDifference(report, { homeId, what: 'event', id: 'all', detail })
  }
}
