import { ROWS_PER_DELETE } from './log-upkeep-drop.ts'
import type { Queryable } from './pool.ts'

/**
 * What incidents were made from is kept as long as the log, for a replay needs both. The incidents and their stories
 * stay: reports quote them years later.
 */

/**
 * A home's passes go up to the last one before the day that left nothing unresolved and that no later input looks back
 * behind: from there a replay begins with an empty home. The newest pass stays, for the next one is numbered after it.
 */
const QUIET_PASSES = `
  select p.home_id, max(p.pass) as pass from escalation_pass p
  where p.now < $1::date::timestamp at time zone 'UTC'
    and exists (select from escalation_pass n where n.home_id = p.home_id and n.pass > p.pass)
    and not exists (select from incident i where i.home_id = p.home_id and i.opened_at <= p.now
                      and (i.resolved_at is null or i.resolved_at > p.now))
    and not exists (select from incident_input n join incident i using (home_id, incident_id)
                    where n.home_id = p.home_id and n.applied_pass > p.pass and i.opened_at <= p.now)
  group by p.home_id`

/** Of the home of `t`. Null where it has none: then nothing of it goes. */
const FIRST_PASS = '(select min(p.pass) from escalation_pass p where p.home_id = t.home_id)'
const FIRST_NOW = '(select min(p.now) from escalation_pass p where p.home_id = t.home_id)'
const OLD = "$1::date::timestamp at time zone 'UTC'"

/** Each goes by what the passes that are left say, so an upkeep that was interrupted is finished by the next. */
const UNREACHED: readonly [table: string, where: string][] = [
  ['incident_input', `t.created_at < ${OLD} and t.applied_pass < ${FIRST_PASS}`],
  [
    'escalation_facts',
    `t.first_used_at < ${OLD} and not exists (
       select from escalation_pass p where p.home_id = t.home_id and p.facts_hash = t.facts_hash)`,
  ],
  [
    'outbox',
    `t.created_at < ${OLD} and (t.incident_id is null or exists (
       select from incident i where i.home_id = t.home_id and i.incident_id = t.incident_id
         and i.status = 'resolved' and i.opened_at < ${FIRST_NOW}))`,
  ],
  ['outbox_duplicate', `t.at < ${OLD}`],
  ['incoming_message', `t.received_at < ${OLD} and t.verdict is not null`],
  ['phone_code', `t.given_at < ${OLD}`],
  ['incident_link', `t.expires_at < ${OLD}`],
]

/** @param day `YYYY-MM-DD` (UTC), the first that is kept */
export async function deleteIncidentRecordBefore(db: Queryable, day: string): Promise<void> {
  const { rows } = await db.query<{ home_id: string; pass: number }>(QUIET_PASSES, [day])
  const quiet = [rows.map((row) => row.home_id), rows.map((row) => row.pass)]
  await inBatches(() =>
    db.query(
      `delete from escalation_pass d where d.ctid = any(array(
         select t.ctid from escalation_pass t join unnest($1::text[], $2::int8[]) q(home_id, pass) using (home_id)
         where t.pass <= q.pass order by t.home_id, t.pass limit ${ROWS_PER_DELETE}))`,
      quiet,
    ),
  )
  for (const [table, where] of UNREACHED) {
    await inBatches(() =>
      db.query(
        `delete from ${table} d where d.ctid = any(array(select t.ctid from ${table} t where ${where} limit ${ROWS_PER_DELETE}))`,
        [day],
      ),
    )
  }
}

async function inBatches(deleteSome: () => Promise<{ rowCount: number | null }>): Promise<void> {
  while (((await deleteSome()).rowCount ?? 0) >= ROWS_PER_DELETE);
}
