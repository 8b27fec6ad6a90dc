import type { FoldVerdict } from '../../core/incident/effect.ts'
import type { Incidents } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import { announcerOf } from './changes-announce.ts'
import { commitIncidents } from './incidents-commit.ts'
import { findFormer, findResponder } from './incidents-people.ts'
import { commitFoldAndPass } from './joint-commit.ts'
import type { Database } from './pool.ts'
import { readHome } from './read-home.ts'
import { sealNotes } from './sealed-notes.ts'

/** The last urgency of a sweep. */
const ONLY_TECHNICAL = 3

/** @param alarms for what an alarm on its way waits for: never behind other queries, and its statements planned already */
export function createIncidents(database: Database, sealing: Sealing, alarms = database): Incidents {
  const announce = announcerOf(database)
  return {
    readHome: (homeId, drawIds = 0) => readHome(drawIds > 0 ? alarms : database, sealing, homeId, drawIds),
    async commit(commit, claim) {
      const claimed = await commitIncidents(database, sealing, commit, claim)
      if (claimed !== null && commit.changedIncidentIds.length > 0) announce()
      return claimed
    },
    async commitWithFold(fold, commit, claim) {
      const claimed = await commitFoldAndPass(alarms, sealing, fold, commit, claim)
      if (claimed !== null) announce()
      return claimed
    },
    async addInput(homeId, incidentId, input, { origin = null, actor = null, via = null }) {
      const by = 'by' in input ? input.by.ref : null
      const { rows } = await database.query<{ input_id: number }>({
        name: 'incident-add-input',
        // An update that changes nothing, for the row's id has to come back.
        text: `with added as (
                 insert into incident_input (home_id, incident_id, body, origin) values ($1, $2, $3, $4)
                 on conflict (home_id, origin) where origin is not null do update set origin = excluded.origin
                 returning input_id, xmax = 0 as is_new
               ), audited as (
                 insert into audit (actor, action, home_id, subject, detail)
                 select coalesce($7, $5::text), $6, $1, $2,
                   jsonb_strip_nulls(jsonb_build_object('as', case when $7 <> $5 then $5 end, 'via', $8::text))
                 from added where is_new and $5 is not null
               )
               select input_id from added`,
        values: [
          homeId,
          incidentId,
          sealNotes(input, sealing),
          origin,
          by,
          `incident.${kebab(input.type)}`,
          actor,
          via,
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
export const IS_TECHNICAL = `(body #>> '{signal,kind}' = 'technical'
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
