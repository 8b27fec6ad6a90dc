import type { Incident } from '../../core/incident/incident.ts'
import type { NextStep } from '../../ports.ts'
import { PLATFORM_HOME } from './escalation-facts.ts'
import type { Queryable } from './pool.ts'

const MAX_PAGE = 200
/** The story of an incident that goes on for ever is cut here, oldest first; the rest is in the database. */
const MAX_TIMELINE = 2_000

/** An incident as the API shows it; times are ISO 8601. */
export type IncidentView = {
  id: string
  homeId: string | null
  homeLabel: string | null
  kind: Incident['kind']
  subject: string | null
  severity: Incident['severity']
  condition: Incident['condition']
  status: Incident['status']
  openedAt: string
  takenBy: { id: string; name: string; role: string; at: string } | null
  takenByFamily: boolean
  arrivedAt: string | null
  nextStepAt: string | null
  nextStep: { who: string | null; at: string } | null
  outcome: Incident['outcome']
  resolvedAt: string | null
  pressCount: number
  deviceId: string | null
  room: string | null
  why: Incident['why']
  told: { name: string; role: string; status: string; at: string | null }[]
}
export type TimelineEntry = { seq: number; at: string; type: string; body: Record<string, unknown> }

export type IncidentFilter = {
  /** Null: every home, the platform's own included. */
  homeIds: readonly string[] | null
  status: readonly Incident['status'][] | null
  kind: string | null
  fromMs: number | null
  toMs: number | null
  cursor: string | null
  limit: number
}

type Row = { state: Incident; next_step: NextStep | null; label: string | null }

/** Newest first. A cursor that nobody gave out begins at the beginning. */
export async function listIncidents(
  db: Queryable,
  filter: IncidentFilter,
): Promise<{ items: IncidentView[]; nextCursor: string | null }> {
  const limit = Math.min(Math.max(filter.limit, 1), MAX_PAGE)
  const after = readCursor(filter.cursor)
  const { rows } = await db.query<Row>({
    name: 'incident-list',
    text: `select i.state, i.next_step, h.label from incident i left join home h using (home_id)
           where ($1::text[] is null or i.home_id = any($1)) and ($2::text[] is null or i.status = any($2))
             and ($3::text is null or i.kind = $3)
             and ($4::float8 is null or i.opened_at >= to_timestamp($4::float8 / 1000))
             and ($5::float8 is null or i.opened_at < to_timestamp($5::float8 / 1000))
             and ($6::float8 is null or i.opened_at < to_timestamp($6::float8 / 1000)
                  or (i.opened_at = to_timestamp($6::float8 / 1000) and i.incident_id > $7))
           order by i.opened_at desc, i.incident_id limit $8`,
    values: [
      filter.homeIds,
      filter.status,
      filter.kind,
      filter.fromMs,
      filter.toMs,
      after?.openedAt ?? null,
      after?.id ?? null,
      limit + 1,
    ],
  })
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const more = rows.length > limit && last !== undefined
  return { items: page.map(view), nextCursor: more ? `${last.state.openedAt}~${last.state.id}` : null }
}

/** Null when there is no such incident. The caller checks whether it may be seen: `homeId` says whose it is. */
export async function readIncident(
  db: Queryable,
  incidentId: string,
): Promise<(IncidentView & { timeline: TimelineEntry[] }) | null> {
  const homeId = homeOfIncident(incidentId)
  const { rows } = await db.query<
    Row & { timeline: { seq: number; at_ms: number; type: string; body: Record<string, unknown> }[] }
  >({
    name: 'incident-read',
    text: `select i.state, i.next_step, h.label, coalesce((
             select json_agg(e order by e.seq) from (
               select seq, extract(epoch from at) * 1000 as at_ms, type, body from incident_event
               where home_id = $1 and incident_id = $2 order by seq limit ${MAX_TIMELINE}) e), '[]') as timeline
           from incident i left join home h using (home_id) where i.home_id = $1 and i.incident_id = $2`,
    values: [homeId, incidentId],
  })
  const row = rows[0]
  if (!row) return null
  const timeline = row.timeline.map(({ seq, at_ms, type, body }) => ({ seq, at: iso(at_ms), type, body }))
  return { ...view(row), timeline }
}

/** An incident's id begins with its home's. */
function homeOfIncident(incidentId: string): string {
  return incidentId.slice(0, Math.max(0, incidentId.lastIndexOf('.')))
}

function view({ state, next_step, label }: Row): IncidentView {
  const { takenBy } = state
  const newest = state.sources.reduce<Incident['sources'][number] | null>(
    (latest, source) => (latest === null || source.raisedAt >= latest.raisedAt ? source : latest),
    null,
  )
  return {
    id: state.id,
    homeId: state.homeId === PLATFORM_HOME ? null : state.homeId,
    homeLabel: label,
    kind: state.kind,
    subject: state.subject === '' ? null : state.subject,
    severity: state.severity,
    condition: state.condition,
    status: state.status,
    openedAt: iso(state.openedAt),
    takenBy: takenBy && { id: takenBy.ref, name: takenBy.name, role: takenBy.role, at: iso(takenBy.at) },
    takenByFamily: state.silentAtDesk,
    arrivedAt: isoOrNull(state.arrivedAt),
    nextStepAt: next_step && iso(next_step.at),
    nextStep: next_step && { who: next_step.who, at: iso(next_step.at) },
    outcome: state.outcome,
    resolvedAt: isoOrNull(state.resolvedAt),
    pressCount: state.raisedCount,
    deviceId: newest?.deviceId ?? null,
    room: newest?.room ?? null,
    why: state.why,
    told: state.told.map(({ person, messages }) => {
      const last = messages.at(-1)
      return { name: person.name, role: person.role, status: last?.status ?? 'none', at: isoOrNull(last?.at ?? null) }
    }),
  }
}

function readCursor(cursor: string | null): { openedAt: number; id: string } | null {
  const [openedAt, id] = cursor?.split('~', 2) ?? []
  const openedAtMs = Number(openedAt)
  return id === undefined || !Number.isFinite(openedAtMs) ? null : { openedAt: openedAtMs, id }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms)
}
