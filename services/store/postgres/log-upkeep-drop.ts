import { logPartitionName } from './log-partitions.ts'
import { errorCode, type Queryable } from './pool.ts'

export const ROWS_PER_DELETE = 5_000
const HOMES_PER_DELETE = 1_000
const LOCK_NOT_AVAILABLE = '55P03'
const QUERY_CANCELLED = '57014'
/** Another day's detaching was interrupted and has to be finished before this one's. */
const DETACH_PENDING = '55000'

/** Days with a raw partition, oldest first. A partition whose detaching was interrupted counts too. */
export async function rawDays(db: Queryable): Promise<{ day: string; pending: boolean; attached: boolean }[]> {
  const { rows } = await db.query<{ day: string; pending: boolean; attached: boolean }>(
    `select to_char(to_date(substring(c.relname from '\\d{8}$'), 'YYYYMMDD'), 'YYYY-MM-DD') as day,
            coalesce(i.inhdetachpending, false) as pending, i.inhrelid is not null as attached
     from pg_class c left join pg_inherits i on i.inhrelid = c.oid
     where c.relkind = 'r' and c.relname ~ '^observation_log_\\d{8}$' and c.relnamespace = current_schema()::regnamespace
     order by 1`,
  )
  return rows
}

/** Whether every reader that has cursors is past every row of the day. */
export async function isReadByAll(db: Queryable, day: string): Promise<boolean> {
  const { rows } = await db.query(
    `select 1 from log_cursor c
     where exists (select 1 from ${logPartitionName(day)} l where l.shard = c.shard and (l.xid, l.id) > (c.xid, c.id))
     limit 1`,
  )
  return rows.length === 0
}

/** Detached without a lock that ingest would wait for, then dropped as a table of its own. */
export async function dropRawDay(
  db: Queryable,
  { day, pending, attached }: { day: string; pending: boolean; attached: boolean },
): Promise<void> {
  const table = logPartitionName(day)
  if (attached) {
    await db.query(`alter table observation_log detach partition ${table} ${pending ? 'finalize' : 'concurrently'}`)
  }
  await db.query(`drop table ${table}`)
}

/** @returns false when somebody's lock was in the way: whatever was begun goes on in the next hour */
export async function unlessLocked(work: Promise<void>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if ([LOCK_NOT_AVAILABLE, QUERY_CANCELLED, DETACH_PENDING].includes(errorCode(error))) return false
    throw error
  }
}

const OLD = "$1::date::timestamp at time zone 'UTC'"
const BY_AGE: readonly [table: string, where: string][] = [
  ['observation_pack', 't.day < $1::date'],
  ['home_state_daily', 't.day < $1::date'],
  ['log_rejection', `t.received_at < ${OLD}`],
  ['home_input', `t.now < ${OLD} and t.body ->> 'type' <> 'facts'`],
]
/** Of the next homes; newer facts that are too old themselves have taken the place of these. Answers how far it came. */
const SUPERSEDED_FACTS = `
  with piece as (
    select distinct home_id from home_input where body ->> 'type' = 'facts' and home_id > $2
    order by home_id limit ${HOMES_PER_DELETE}
  ), gone as (
    delete from home_input t using piece p
    where t.home_id = p.home_id and t.body ->> 'type' = 'facts' and t.now < ${OLD} and exists (
      select from home_input n where n.home_id = t.home_id and n.version > t.version
        and n.body ->> 'type' = 'facts' and n.now < ${OLD})
  )
  select max(home_id) as last from piece`

/** What is older than the days kept, in short statements. Facts that a kept day still builds on stay. */
export async function deleteBefore(db: Queryable, day: string): Promise<void> {
  for (const [table, where] of BY_AGE) {
    for (;;) {
      const { rowCount } = await db.query(
        `delete from ${table} d where d.ctid = any(array(select t.ctid from ${table} t where ${where} limit ${ROWS_PER_DELETE}))`,
        [day],
      )
      if ((rowCount ?? 0) < ROWS_PER_DELETE) break
    }
  }
  let last: string | null | undefined = ''
  while (typeof last === 'string') {
    const { rows }: { rows: { last: string | null }[] } = await db.query(SUPERSEDED_FACTS, [day, last])
    last = rows[0]?.last
  }
}
