import type { Queryable } from './pool.ts'

/**
 * Every alarm waits for the oldest writing transaction of the whole cluster, for its rows may sort before ours: over
 * 1 s it is the operator's business.
 */
export async function oldestOpenXidAgeMs(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ age_ms: number }>(
    `select coalesce(max(extract(epoch from clock_timestamp() - xact_start) * 1000), 0)::float8 as age_ms
       from pg_stat_activity where backend_xid is not null`,
  )
  return rows[0]?.age_ms ?? 0
}
