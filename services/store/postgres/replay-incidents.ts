import type { Facts } from '../../core/escalation/people.ts'
import type { FoldVerdict } from '../../core/incident/effect.ts'
import type { Incident } from '../../core/incident/incident.ts'
import type { IncidentInput } from '../../core/incident/input.ts'
import type { Sealing } from '../sealing.ts'
import { type Database, inTransaction, type Queryable } from './pool.ts'
import { openNotes } from './sealed-notes.ts'

/** One pass of the escalation over a home, as it stands on record. */
export type RecordedPass = {
  pass: number
  nowMs: number
  publicUrl: string
  facts: Facts
  inputs: AppliedRow[]
  timers: { incidentId: string; appliedVersion: number }[]
}
type AppliedRow = {
  inputId: string
  incidentId: string | null
  body: Omit<IncidentInput, 'inputId'>
  appliedVersion: number | null
  result: FoldVerdict | null
  rejected: string | null
}
export type RecordedMessage = {
  outboxId: string
  incidentId: string
  recipient: string
  purpose: string
  priority: number
  code: number | null
  body: string
}
export type RecordedEvent = { incidentId: string; seq: number; at: number; type: string; body: Record<string, unknown> }
/** All of one moment, from the first pass that is kept: what older incidents were made from has gone with their passes. */
export type HomeEnd = { lastPass: number; incidents: Map<string, Incident>; outboxIds: string[]; eventCount: number }

export async function readHomesWithPasses(
  db: Queryable,
  asked: { after: string; homeId: string | null; limit: number },
): Promise<string[]> {
  const { rows } = await db.query<{ home_id: string }>(
    `select distinct home_id from escalation_pass
     where home_id > $1 and ($2::text is null or home_id = $2) order by home_id limit $3`,
    [asked.after, asked.homeId, asked.limit],
  )
  return rows.map((row) => row.home_id)
}

type PassRow = {
  pass: number
  now: number
  public_url: string
  facts_sealed: Buffer
  used_codes: Facts['usedCodes'] | null
  inputs:
    | {
        input_id: number
        incident_id: string | null
        body: { type: string }
        applied_version: number | null
        result: FoldVerdict | null
        rejected: string | null
      }[]
    | null
}

export async function readPasses(
  db: Queryable,
  sealing: Sealing,
  asked: { homeId: string; after: number; limit: number },
): Promise<RecordedPass[]> {
  const { rows } = await db.query<PassRow>({
    name: 'replay-passes',
    text: `select p.pass, p.now, p.public_url, p.used_codes, f.facts_sealed,
             (select json_agg(json_build_object('input_id', i.input_id, 'incident_id', i.incident_id, 'body', i.body,
                'applied_version', i.applied_version, 'result', i.result, 'rejected', i.rejected) order by i.input_id)
              from incident_input i where i.home_id = p.home_id and i.applied_pass = p.pass) as inputs
           from escalation_pass p join escalation_facts f using (home_id, facts_hash)
           where p.home_id = $1 and p.pass > $2 order by p.pass limit $3`,
    values: [asked.homeId, asked.after, asked.limit],
  })
  return rows.map((row) => toPass(row, sealing))
}

function toPass(row: PassRow, sealing: Sealing): RecordedPass {
  const rows = row.inputs ?? []
  const timers = rows.filter(({ body }) => body.type === 'TimerFired')
  return {
    pass: row.pass,
    nowMs: row.now,
    publicUrl: row.public_url,
    // Written by us, as JSON of this very type; passes of before knew less, and had the used codes in it.
    facts: withCodes(JSON.parse(sealing.open(row.facts_sealed)) as Partial<Facts>, row.used_codes),
    inputs: rows
      .filter(({ body }) => body.type !== 'TimerFired')
      .map(({ input_id, incident_id, body, applied_version, result, rejected }) => ({
        inputId: String(input_id),
        incidentId: incident_id,
        body: openNotes(body, sealing) as AppliedRow['body'],
        appliedVersion: applied_version,
        result,
        rejected,
      })),
    timers: timers.map((timer) => ({
      incidentId: timer.incident_id ?? '',
      appliedVersion: timer.applied_version ?? 0,
    })),
  }
}

function withCodes(facts: Partial<Facts>, usedCodes: Facts['usedCodes'] | null): Facts {
  return { sharingContacts: [], ...facts, usedCodes: usedCodes ?? facts.usedCodes ?? {} } as Facts
}

/** By outbox id. A message whose person had lost their phone by the time of the commit is null: it was never written. */
export async function readMessages(
  db: Queryable,
  sealing: Sealing,
  homeId: string,
  outboxIds: string[],
): Promise<Map<string, RecordedMessage | null>> {
  const { rows } = await db.query<Omit<RecordedMessage, 'body'> & { body_sealed: Buffer }>(
    `select outbox_id as "outboxId", incident_id as "incidentId", recipient, purpose, priority, code, body_sealed
     from outbox where home_id = $1 and outbox_id = any($2)`,
    [homeId, outboxIds],
  )
  const found = new Map<string, RecordedMessage | null>(
    rows.map(({ body_sealed, ...row }) => [row.outboxId, { ...row, body: sealing.open(body_sealed) }]),
  )
  const missing = outboxIds.filter((id) => !found.has(id))
  if (missing.length === 0) return found
  const unsent = await db.query<{ id: string }>(
    `select body->>'outboxId' as id from incident_input
     where home_id = $1 and body->>'errorCode' = 'no-phone' and body->>'outboxId' = any($2)`,
    [homeId, missing],
  )
  for (const { id } of unsent.rows) found.set(id, null)
  return found
}

export async function readEvents(
  db: Queryable,
  sealing: Sealing,
  homeId: string,
  wanted: { incidentId: string; seq: number }[],
): Promise<RecordedEvent[]> {
  const { rows } = await db.query<RecordedEvent>(
    `select e.incident_id as "incidentId", e.seq, e.at, e.type, e.body
     from unnest($2::text[], $3::int[]) w(incident_id, seq)
     join incident_event e on e.home_id = $1 and e.incident_id = w.incident_id and e.seq = w.seq`,
    [homeId, wanted.map((one) => one.incidentId), wanted.map((one) => one.seq)],
  )
  return rows.map((row) => ({ ...row, body: openNotes(row.body, sealing) }))
}

const REPLAYABLE = `incident_id in (
  select i.incident_id from incident i
  where i.home_id = $1 and i.opened_at >= (select min(p.now) from escalation_pass p where p.home_id = $1))`

export function readHomeEnd(database: Database, homeId: string): Promise<HomeEnd> {
  return inTransaction(database, async (tx) => {
    await tx.query('set transaction isolation level repeatable read, read only')
    const passes = await tx.query<{ last: number; events: number }>(
      `select (select coalesce(max(pass), 0) from escalation_pass where home_id = $1) as last,
         (select count(*) from incident_event where home_id = $1 and ${REPLAYABLE}) as events`,
      [homeId],
    )
    const incidents = await tx.query<{ id: string; version: number; state: Incident }>(
      `select incident_id as id, version, state from incident where home_id = $1 and ${REPLAYABLE}`,
      [homeId],
    )
    const outbox = await tx.query<{ id: string }>(
      `select outbox_id as id from outbox where home_id = $1 and ${REPLAYABLE}`,
      [homeId],
    )
    return {
      lastPass: passes.rows[0]?.last ?? 0,
      eventCount: passes.rows[0]?.events ?? 0,
      incidents: new Map(incidents.rows.map(({ id, version, state }) => [id, { ...state, version }])),
      outboxIds: outbox.rows.map((row) => row.id),
    }
  })
}
