import type { Clock, Log } from '../../ports.ts'
import { ensureLogPartitions, isLogPartitionMissing } from './log-partitions.ts'
import { deleteBefore, dropRawDay, isReadByAll, rawDays, unlessLocked } from './log-upkeep-drop.ts'
import { deleteIncidentRecordBefore } from './log-upkeep-incidents.ts'
import { isWhollyPacked, packDay } from './log-upkeep-pack.ts'
import { type Database, inTransaction, type Queryable } from './pool.ts'

/** Days of the log that are kept, packed or raw, each with the homes' states at its start. */
export const LOG_DAYS_KEPT = 35
/** A day is closed this long after its end: until then a late transaction may still add to it. */
const CLOSED_AFTER_HOURS = 1
/** Whoever reads the whole record holds it shared, so that nothing is packed or dropped meanwhile. */
export const UPKEEP_LOCK = 726_543
/** Whoever waits for a lock makes everybody behind it wait, ingest too: give up soon, the next hour tries again. */
const LOCK_WAIT = '500ms'
const UPKEEP_EVERY_MS = 3_600_000
const SNAPSHOT_HOMES = 500
/** Of the home of `s`: a home's signals are numbered in the order of its folds. */
export const LAST_SIGNAL = `coalesce((select i.input_id from incident_input i
  where i.home_id = s.home_id and i.body->>'type' = 'SignalReceived' order by i.input_id desc limit 1), 0)`

export type UpkeepReport = { packedRows: number; droppedDays: string[]; waitingDays: string[]; snapshots: number }
export type LogUpkeep = {
  /**
   * To be called with each sweep: makes the partitions that are missing, and starts the upkeep when a new hour has begun
   * without waiting for it. @throws when the database is away
   */
  sweep(): Promise<void>
  close(): Promise<void>
}

export function createLogUpkeep(pool: Database, { clock, log }: { clock: Clock; log: Log }): LogUpkeep {
  let hour = -1
  let running: Promise<void> | null = null
  return {
    async sweep() {
      await healPartitions(pool, log)
      // On the hour, so that a day's snapshot is taken as the day begins.
      const now = Math.floor(clock.now() / UPKEEP_EVERY_MS)
      if (running || now === hour) return
      hour = now
      running = runLogUpkeep(pool)
        .then((report) => {
          if (report) log.info(report, 'log upkeep')
        })
        .catch((err) => log.error({ err }, 'log upkeep failed: the next hour tries again'))
        .finally(() => {
          running = null
        })
    },
    async close() {
      await running
    },
  }
}

/** Nothing is acknowledged on a day without a partition: a clock that jumps by days must not wait for the next hour. */
async function healPartitions(pool: Database, log: Log): Promise<void> {
  if (!(await isLogPartitionMissing(pool))) return
  const made = await unlessLocked(
    inTransaction(pool, async (tx) => {
      await tx.query(`set local lock_timeout = '${LOCK_WAIT}'`)
      await ensureLogPartitions(tx)
    }),
  )
  log.warn({ made }, 'the log had no partition for these days')
}

/**
 * Makes the coming partitions, keeps the homes' states of the day, packs closed days, drops what every reader has
 * passed and what is too old. Short statements only; whoever finds it running elsewhere leaves it.
 * @returns null when another process is at it
 */
export async function runLogUpkeep(pool: Database, options: { pieceRows?: number } = {}): Promise<UpkeepReport | null> {
  const client = await pool.connect()
  let failure: Error | undefined
  try {
    const { rows } = await client.query<{ alone: boolean }>('select pg_try_advisory_lock($1) as alone', [UPKEEP_LOCK])
    if (!rows[0]?.alone) return null
    try {
      await client.query(`set lock_timeout = '${LOCK_WAIT}'`)
      return await upkeep(client, options.pieceRows)
    } finally {
      await client.query('reset lock_timeout')
      await client.query('select pg_advisory_unlock($1)', [UPKEEP_LOCK])
    }
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
    throw error
  } finally {
    // A connection that failed may still hold the lock: closing it gives the lock back.
    client.release(failure)
  }
}

async function upkeep(db: Queryable, pieceRows?: number): Promise<UpkeepReport> {
  await unlessLocked(ensureLogPartitions(db))
  const report: UpkeepReport = { packedRows: 0, droppedDays: [], waitingDays: [], snapshots: await keepSnapshots(db) }
  const { rows } = await db.query<{ open_day: string; yesterday: string }>(
    `select to_char((now() at time zone 'UTC') - interval '${CLOSED_AFTER_HOURS} hours', 'YYYY-MM-DD') as open_day,
            to_char((now() at time zone 'UTC') - interval '1 day', 'YYYY-MM-DD') as yesterday`,
  )
  const { open_day: openDay, yesterday } = rows[0] ?? { open_day: '', yesterday: '' }
  for (const raw of await rawDays(db)) {
    if (raw.day >= openDay) continue
    report.packedRows += (await packDay(db, raw.day, pieceRows)).rows
    // Yesterday keeps its partition, for a clock that is set back over midnight: the next hour would only make it again.
    if (raw.day >= yesterday) continue
    const done = (await isReadByAll(db, raw.day)) && (await isWhollyPacked(db, raw.day))
    if (done && (await unlessLocked(dropRawDay(db, raw)))) report.droppedDays.push(raw.day)
    else report.waitingDays.push(raw.day)
  }
  await dropOld(db)
  return report
}

/** One statement a slice; a home that has its state of today already is left alone. */
async function keepSnapshots(db: Queryable): Promise<number> {
  let kept = 0
  for (;;) {
    const { rowCount } = await db.query(
      `insert into home_state_daily (day, home_id, xid, id, version, last_now, signal_id, state)
       select (now() at time zone 'UTC')::date, s.home_id, s.xid, s.id, s.version, s.last_now, ${LAST_SIGNAL}, s.state
       from home_state s
       where not exists (select 1 from home_state_daily d
                         where d.home_id = s.home_id and d.day = (now() at time zone 'UTC')::date)
       limit ${SNAPSHOT_HOMES} on conflict do nothing`,
    )
    kept += rowCount ?? 0
    if ((rowCount ?? 0) < SNAPSHOT_HOMES) return kept
  }
}

/**
 * Counted back from the newest packed day, not from the clock: a clock that is wrong by a year must not delete the log.
 */
async function dropOld(db: Queryable): Promise<void> {
  const { rows } = await db.query<{ first_kept: string | null }>(
    `select to_char(least(max(day), (now() at time zone 'UTC')::date) - ${LOG_DAYS_KEPT - 1}, 'YYYY-MM-DD') as first_kept
     from observation_pack`,
  )
  const firstKept = rows[0]?.first_kept
  if (!firstKept) return
  await deleteBefore(db, firstKept)
  await deleteIncidentRecordBefore(db, firstKept)
}
