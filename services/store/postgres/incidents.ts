import type { FoldVerdict } from '../../core/incident/effect.ts'
import type { Incident } from '../../core/incident/incident.ts'
import type { IncidentInput } from '../../core/incident/input.ts'
import type { EscalationView, Incidents } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import { announcerOf } from './changes-announce.ts'
import { FACTS_COLUMNS, FACTS_CTES, type FactsRow, readFacts } from './escalation-facts.ts'
import { commitIncidents } from './incidents-commit.ts'
import { findFormer, findResponder } from './incidents-people.ts'
import { commitFoldAndPass } from './joint-commit.ts'
import type { Database } from './pool.ts'
import { sealFacts } from './sealed-facts.ts'
import { openNotes, sealNotes } from './sealed-notes.ts'

/** More waiting inputs than this are left to the next pass over the home. */
const MAX_INPUTS_PER_PASS = 100
/** The last urgency of a sweep. */
const ONLY_TECHNICAL = 3

export function createIncidents(database: Database, sealing: Sealing): Incidents {
  const announce = announcerOf(database)
  return {
    readHome: (homeId, drawIds = 0) => readHome(database, sealing, homeId, drawIds),
    async commit(commit, claim) {
      const claimed = await commitIncidents(database, sealing, commit, claim)
      if (claimed !== null && commit.changedIncidentIds.length > 0) announce()
      return claimed
    },
    async commitWithFold(fold, commit, claim) {
      const claimed = await commitFoldAndPass(database, sealing, fold, commit, claim)
      if (claimed !== null) announce()
      return claimed
    },
    async addInput(homeId, incidentId, input, origin) {
      const { rows } = await database.query<{ input_id: number }>({
        name: 'incident-add-input',
        // An update that changes nothing, for the row's id has to come back.
        text: `with added as (
                 insert into incident_input (home_id, incident_id, body, origin) values ($1, $2, $3, $4)
                 on conflict (home_id, origin) where origin is not null do update set origin = excluded.origin
                 returning input_id, xmax = 0 as is_new
               ), audited as (
                 insert into audit (actor, action, home_id, subject)
                 select $5::text, $6, $1, $2 from added where is_new and $5 is not null
               )
               select input_id from added`,
        values: [
          homeId,
          incidentId,
          sealNotes(input, sealing),
          origin,
          'by' in input ? input.by.ref : null,
          `incident.${kebab(input.type)}`,
        ],
      })
      return String(rows[0]?.input_id)
    },
    async readResult(homeId, inputId) {
      const { rows } = await database.query<{ result: FoldVerdict | null }>(
        'select result from incident_input where home_id = $1 and input_id = $2',
        [homeId, inputId],
      )
      return rows[0]?.result ?? null
    },
    async dueHomes({ steadyNowMs, waitedMs, limit }) {
      const { rows } = await database.query<{ home_id: string; only_technical: boolean }>({
        name: 'incident-due-homes',
        text: DUE_HOMES,
        values: [steadyNowMs, waitedMs, limit],
      })
      return rows.map((row) => ({ homeId: row.home_id, onlyTechnical: row.only_technical }))
    },
    async readClock() {
      const { rows } = await database.query<{ now: number; last_folded: number | null }>({
        name: 'incident-clock',
        text: "select platform_now() as now, (select max(folded_at) from incident where status <> 'resolved') as last_folded",
      })
      return { nowMs: Math.floor(rows[0]?.now ?? 0), lastFoldedMs: rows[0]?.last_folded ?? 0 }
    },
    findResponder: (homeId, ref) => findResponder(database, sealing, homeId, ref),
    findFormer: (homeId, ref) => findFormer(database, sealing, homeId, ref),
  }
}

/** For the audit log: `CannotCome` → `cannot-come`. */
function kebab(type: string): string {
  return type.replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase()
}

/** As the indexes of migration 0011 say it, and `homesToAdvance` of signals. */
const IS_TECHNICAL = `(body #>> '{signal,kind}' = 'technical'
  and coalesce(body #>> '{signal,severity}', 'technical') = 'technical')`
const HAS_WAITED = `applied_at is null
  and (created_at <= (select platform_now()) - $2::float8 * interval '1 millisecond' or created_at > (select platform_now()))`

/** Critical incidents first, then waiting inputs, then warnings, each by what is due longest; what is only technical last. */
const DUE_HOMES = `
  with due as (
    select home_id, case severity when 'critical' then 0 when 'warning' then 2 else ${ONLY_TECHNICAL} end as urgency, wake_at as since
    from incident where wake_at <= to_timestamp($1::float8 / 1000)
    union all
    select home_id, 1, created_at from incident_input where ${IS_TECHNICAL} is not true and ${HAS_WAITED}
    union all
    (select home_id, ${ONLY_TECHNICAL}, created_at from incident_input where ${IS_TECHNICAL} is true and ${HAS_WAITED}
     order by created_at limit $3)
  )
  select home_id, min(urgency) = ${ONLY_TECHNICAL} as only_technical
  from due group by home_id order by min(urgency), min(since) limit $3`

const READ_HOME = `
  with waiting as (
    select input_id, incident_id, body from incident_input
    where home_id = $1 and applied_at is null order by input_id limit ${MAX_INPUTS_PER_PASS}
  ), ${FACTS_CTES}
  select floor(extract(epoch from platform_now()) * 1000)::float8 as now_ms,
    (select json_agg(json_build_object('version', i.version, 'state', i.state) order by i.opened_at, i.incident_id)
     from incident i
     where i.home_id = $1
       and (i.status <> 'resolved' or i.incident_id in (select w.incident_id from waiting w))) as incidents,
    (select json_agg(w order by w.input_id) from waiting w) as inputs,
    (select coalesce(max(pass), 0) from escalation_pass where home_id = $1) as last_pass,
    -- After the look at what waits, none of which has one of these.
    (select json_agg(nextval('incident_input_input_id_seq')::text) from generate_series(1, $2::int4)) as drawn_ids,
    ${FACTS_COLUMNS}`

type HomeViewRow = FactsRow & {
  now_ms: number
  last_pass: number
  incidents: { version: number; state: Incident }[] | null
  drawn_ids: string[] | null
  inputs: { input_id: number; incident_id: string | null; body: Omit<IncidentInput, 'inputId'> }[] | null
}

async function readHome(
  database: Database,
  sealing: Sealing,
  homeId: string,
  drawIds: number,
): Promise<EscalationView> {
  const { rows } = await database.query<HomeViewRow>({
    name: 'incident-read-home',
    text: READ_HOME,
    values: [homeId, drawIds],
  })
  const row = rows[0]
  if (!row) throw new Error(`read home ${homeId}: no row`)
  const known = readFacts(homeId, row, row.now_ms, sealing)
  // For an alarm on its way, whose pass will record them.
  if (drawIds > 0) sealFacts(known.facts, sealing)
  return {
    nowMs: row.now_ms,
    lastPass: row.last_pass,
    incidents: (row.incidents ?? []).map(({ state, version }) => ({ ...state, version })),
    inputs: (row.inputs ?? []).map(({ input_id, incident_id, body }) => ({
      incidentId: incident_id,
      // The body was written by us, with the id beside it.
      input: { ...openNotes(body, sealing), inputId: String(input_id) } as IncidentInput,
    })),
    moreInputs: row.inputs?.length === MAX_INPUTS_PER_PASS,
    drawnIds: row.drawn_ids ?? [],
    ...known,
  }
}
