import type { IncidentEvent } from '../../core/incident/effect.ts'
import type { Incident } from '../../core/incident/incident.ts'
import type {
  IncidentFilter,
  IncidentView,
  IncidentViews,
  MessageLinks,
  NextStep,
  PageAsked,
  Scope,
} from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import { HOME_VISIBLE, readAudited, scopeValues, toPage } from './api-scope.ts'
import { writeAudit } from './audit.ts'
import { findLink } from './incident-links.ts'
import { type Database, inTransaction, type Queryable } from './pool.ts'
import { openNotes } from './sealed-notes.ts'

/** What the pages show of incidents. An incident without a home (`-`) is the platform's: seen by who sees all. */

const VIEW_COLUMNS = `i.home_id, i.incident_id, (extract(epoch from i.opened_at) * 1000000)::int8 as opened_us, i.version, i.state, i.next_step, h.label,
  (select json_object_agg('contact:' || hm.contact_id, hm.user_id) from home_member hm
   where hm.home_id = i.home_id and hm.contact_id is not null) as users`
/** The cursor's time in $9, in microseconds. */
const CURSOR_AT = "timestamptz 'epoch' + $9::float8 * interval '1 microsecond'"
const FROM = 'from incident i left join home h on h.home_id = i.home_id'
/** $3: whether more than the technical ones may be seen. */
const WITHIN = `${HOME_VISIBLE} and ($3::boolean or i.severity = 'technical')`

type Row = {
  home_id: string
  incident_id: string
  opened_us: number
  version: number
  state: Incident
  next_step: NextStep | null
  label: string | null
  users: Record<string, string> | null
}

export function createIncidentViews(pool: Database, sealing: Sealing): IncidentViews {
  return {
    list: (scope, filter, page) =>
      readAudited(
        pool,
        scope,
        (tx) => listIncidents(tx, scope, filter, page),
        ({ items }) => {
          if (!scope.personal || items.length === 0) return null
          return { action: 'incidents.read', detail: { incidentIds: items.map(({ incident }) => incident.id) } }
        },
      ),
    async find(scope, incidentId) {
      const { rows } = await pool.query<{ home_id: string }>({
        name: 'api-incident-find',
        text: `select i.home_id ${FROM} where i.home_id = $4 and i.incident_id = $5 and ${WITHIN}`,
        values: [...scopeValues(scope), scope.personal, homeOf(incidentId), incidentId],
      })
      return rows[0] ? { homeId: rows[0].home_id } : null
    },
    read: (scope, incidentId) =>
      readAudited(
        pool,
        scope,
        async (tx) => {
          const { rows } = await tx.query<Row>({
            name: 'api-incident',
            text: `select ${VIEW_COLUMNS} ${FROM} where i.home_id = $4 and i.incident_id = $5 and ${WITHIN}`,
            values: [...scopeValues(scope), scope.personal, homeOf(incidentId), incidentId],
          })
          const row = rows[0]
          return row ? { ...toView(row), timeline: await readTimeline(tx, sealing, row) } : null
        },
        (seen) =>
          seen && scope.personal ? { action: 'incident.read', homeId: homeOf(incidentId), subject: incidentId } : null,
      ),
    readForStream: (homeId, incidentId, readers) =>
      inTransaction(pool, async (tx) => {
        const view = await readOne(tx, homeId, incidentId)
        if (view && readers.length > 0) {
          const entry = { action: 'incident.streamed', homeId, subject: incidentId, detail: { to: readers } }
          await writeAudit(tx, { actor: 'platform', ...entry })
        }
        return view
      }),
    async mayAnswer(userId, homeId) {
      const { rowCount } = await pool.query(
        `select 1 from app_user u left join home h on h.home_id = $2
         where u.user_id = $1 and u.disabled_at is null and (u.role = 'admin'
           or (u.role = 'family' and exists (select from home_member m where m.home_id = h.home_id and m.user_id = $1))
           or (u.role in ('social-worker', 'coordinator')
               and exists (select from cell_member m where m.grid_cell_id = h.grid_cell_id and m.user_id = $1)))`,
        [userId, homeId],
      )
      return rowCount === 1
    },
  }
}

/** Who holds a message's link sees that one incident, as the person it was sent to. */
export function createMessageLinks(pool: Database, sealing: Sealing): MessageLinks {
  return {
    find: (token) => findLink(pool, sealing, token),
    read: ({ homeId, incidentId, recipient }) =>
      inTransaction(pool, async (tx) => {
        const view = await readOne(tx, homeId, incidentId)
        if (view) {
          const detail = { via: 'link' }
          await writeAudit(tx, { actor: recipient, action: 'incident.read', homeId, subject: incidentId, detail })
        }
        return view
      }),
  }
}

/** Incident ids begin with their home's, which has no dot (core/incident/incident.ts). */
function homeOf(incidentId: string): string {
  return incidentId.slice(0, Math.max(incidentId.lastIndexOf('.'), 0))
}

async function listIncidents(tx: Queryable, scope: Scope, filter: IncidentFilter, { limit, cursor }: PageAsked) {
  const [cursorAt, cursorId] = readCursor(cursor)
  const { rows } = await tx.query<Row>({
    name: 'api-incidents',
    text: `select ${VIEW_COLUMNS} ${FROM}
      where ${WITHIN}
        and ($4::text[] is null or i.status = any($4)) and ($5::text[] is null or i.kind = any($5))
        and ($6::text is null or i.home_id = $6)
        and ($7::float8 is null or i.opened_at >= to_timestamp($7 / 1000))
        and ($8::float8 is null or i.opened_at < to_timestamp($8 / 1000))
        and ($9::float8 is null or (i.opened_at, $10::text) < (${CURSOR_AT}, i.incident_id))
      order by i.opened_at desc, i.incident_id limit $11`,
    values: [
      ...scopeValues(scope),
      scope.personal,
      filter.statuses,
      filter.kinds,
      filter.homeId,
      filter.fromMs,
      filter.toMs,
      cursorAt,
      cursorId,
      limit + 1,
    ],
  })
  return toPage(rows, limit, toView, (row) => `${row.opened_us}~${row.incident_id}`)
}

/** The time to the microsecond, and the id. A cursor that nobody gave out begins anew. */
function readCursor(cursor: string | null): [number | null, string | null] {
  const match = /^(\d{1,16})~(.{1,200})$/.exec(cursor ?? '')
  return match ? [Number(match[1]), match[2] ?? null] : [null, null]
}

async function readOne(tx: Queryable, homeId: string, incidentId: string): Promise<IncidentView | null> {
  const { rows } = await tx.query<Row>({
    name: 'api-incident-one',
    text: `select ${VIEW_COLUMNS} ${FROM} where i.home_id = $1 and i.incident_id = $2`,
    values: [homeId, incidentId],
  })
  return rows[0] ? toView(rows[0]) : null
}

function toView(row: Row): IncidentView {
  return {
    incident: { ...row.state, version: row.version },
    homeLabel: row.label,
    nextStep: row.next_step,
    userOf: row.users ?? {},
  }
}

async function readTimeline(tx: Queryable, sealing: Sealing, { home_id, incident_id }: Row): Promise<IncidentEvent[]> {
  const { rows } = await tx.query<{ seq: number; at: number; type: string; body: object }>({
    name: 'api-incident-timeline',
    text: 'select seq, at, type, body from incident_event where home_id = $1 and incident_id = $2 order by seq',
    values: [home_id, incident_id],
  })
  // Written by us, with the type and the time in columns of their own.
  return rows.map(({ seq, at, type, body }) => ({ seq, at, type, ...openNotes(body, sealing) }) as IncidentEvent)
}
