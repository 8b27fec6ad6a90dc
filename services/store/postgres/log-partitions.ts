import type pg from 'pg'

/** Days made ahead, so that midnight never waits for a table: one missed run of the housekeeping is no outage. */
const PARTITION_DAYS_AHEAD = 3
const DAY_MS = 86_400_000
/**
 * A day is packed and dropped within some days. A vacuum that comes because rows were added would write each of its pages
 * into the WAL once more, and all that it helps is the upkeep's count, which looks into the table instead. One against
 * wraparound comes all the same. Its statistics are taken anew each time it has doubled: by each tenth was each 20 s, and with
 * the history's cost 2 µs of each message.
 */
const PARTITION_OPTIONS = 'autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_scale_factor = 1'

/** Makes the log's partitions of yesterday, today and the next days. Harmless to repeat and to run beside others. */
export async function ensureLogPartitions(client: Pick<pg.Client, 'query'>): Promise<void> {
  const { rows } = await client.query<{ today: string }>(
    "select to_char(now() at time zone 'UTC', 'YYYY-MM-DD') as today",
  )
  const today = Date.parse(`${rows[0]?.today}T00:00:00Z`)
  for (let offset = -1; offset <= PARTITION_DAYS_AHEAD; offset++) {
    const from = new Date(today + offset * DAY_MS).toISOString().slice(0, 10)
    const to = new Date(today + (offset + 1) * DAY_MS).toISOString().slice(0, 10)
    await client.query(
      `create table if not exists ${logPartitionName(from)} partition of observation_log
         for values from ('${from} 00:00:00+00') to ('${to} 00:00:00+00') with (${PARTITION_OPTIONS})`,
    )
  }
}

/** Whether yesterday, today or tomorrow, by the database's clock as it stands now, has no partition. */
export async function isLogPartitionMissing(client: Pick<pg.Client, 'query'>): Promise<boolean> {
  const { rows } = await client.query<{ missing: boolean }>(
    `select bool_or(to_regclass('observation_log_' || to_char(now() at time zone 'UTC' + interval '1 day' * n, 'YYYYMMDD'))
                    is null) as missing
     from generate_series(-1, 1) n`,
  )
  return rows[0]?.missing ?? false
}

/** @param day `YYYY-MM-DD`, UTC */
export function logPartitionName(day: string): string {
  return `observation_log_${day.replaceAll('-', '')}`
}
