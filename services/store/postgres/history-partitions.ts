import { type Database, inTransaction } from './pool.ts'

/** Any constant: who makes partitions holds it, the others wait and find them made. */
const PARTITION_LOCK = 726_543

const HOUR_MS = 3_600_000

/**
 * A reading never changes. The vacuum that comes because rows were added freezes them as well, so that it is the only one
 * that writes their pages, and the one against wraparound finds months of them done. It comes with
 * each million of them, so that of a month that is over at most so many are left to that one: by a share of what is not frozen
 * yet, as PostgreSQL 18 counts it, it came each 20 s beside the alarms. Statistics are taken each time the table has doubled.
 */
const PARTITION_OPTIONS =
  'autovacuum_freeze_min_age = 0, autovacuum_vacuum_insert_threshold = 1000000, ' +
  'autovacuum_vacuum_insert_scale_factor = 0, autovacuum_analyze_scale_factor = 1'

/** Months of a history whose tables are known to be there: asked once per process and month. */
export type KnownMonths = Set<string>

/**
 * Makes the tables for the months of these moments, and the month after the latest, so that the first reading of a
 * month waits for no table. Late data finds a place too, however late.
 */
export async function ensureHistoryPartitions(
  pool: Database,
  known: KnownMonths,
  moments: Iterable<number>,
): Promise<void> {
  // Thousands of moments lie in a few days; an hour of UTC is in one month.
  const hours = new Set<number>()
  let latest = Number.NEGATIVE_INFINITY
  for (const atMs of moments) {
    latest = Math.max(latest, atMs)
    hours.add(Math.floor(atMs / HOUR_MS))
  }
  const missing = new Set([...hours].map((hour) => monthOf(hour * HOUR_MS)))
  if (latest > Number.NEGATIVE_INFINITY) missing.add(monthAfter(monthOf(latest)))
  for (const month of missing) {
    if (known.has(month)) continue
    await makePartition(pool, month)
    known.add(month)
  }
}

/**
 * Made beside its parent and then attached: `create table … partition of` would wait for everybody who reads history
 * and make everybody after it wait too.
 */
async function makePartition(pool: Database, month: string): Promise<void> {
  const name = `reading_${month.replace('-', '')}`
  await inTransaction(pool, async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1)', [PARTITION_LOCK])
    const { rows } = await tx.query<{ found: boolean }>('select to_regclass($1) is not null as found', [name])
    if (rows[0]?.found) return
    await tx.query(`create table ${name} (like reading including all) with (${PARTITION_OPTIONS})`)
    await tx.query(
      `alter table reading attach partition ${name}
         for values from ('${month}-01 00:00:00+00') to ('${monthAfter(month)}-01 00:00:00+00')`,
    )
  })
}

/** `YYYY-MM`, UTC. */
function monthOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 7)
}

function monthAfter(month: string): string {
  return monthOf(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5, 7)), 1))
}
