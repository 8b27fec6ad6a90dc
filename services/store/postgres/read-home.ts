import type { Incident } from '../../core/incident/incident.ts'
import type { IncidentInput } from '../../core/incident/input.ts'
import type { EscalationView } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import { FACTS_COLUMNS, FACTS_CTES, type FactsRow, readFacts } from './escalation-facts.ts'
import type { Queryable } from './pool.ts'
import { sealFacts } from './sealed-facts.ts'
import { openNotes } from './sealed-notes.ts'

/** More waiting inputs than this are left to the next pass over the home. */
const MAX_INPUTS_PER_PASS = 100

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

/** @param drawIds how many ids to draw for inputs that are written with the pass */
export async function readHome(
  database: Queryable,
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
