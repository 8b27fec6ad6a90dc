import { afterAll, beforeAll, expect, test } from 'vitest'
import { SHARDS, shardOf } from '../../core/shard.ts'
import { beginAndHold, createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'
import { createFoldStore } from './fold-store.ts'
import { logPartitionName } from './log-partitions.ts'
import { readHomeLog, type StoredMessage } from './log-read-home.ts'
import { createLogUpkeep, LOG_DAYS_KEPT, runLogUpkeep, UPKEEP_LOCK } from './log-upkeep.ts'
import { deleteBefore } from './log-upkeep-drop.ts'
import type { Queryable } from './pool.ts'

const DAY_MS = 86_400_000
const HOMES = ['home-a', 'home-b', 'home-c']
const ROWS = 600

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

function daysAgo(days: number): string {
  return new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10)
}

/** A day of three homes: bytes of every value, every flag, receipt times to the microsecond, some refused by ingest. */
async function fillDay(day: string): Promise<void> {
  const next = new Date(Date.parse(day) + DAY_MS).toISOString().slice(0, 10)
  await database.pool.query(
    `create table ${logPartitionName(day)} partition of observation_log
     for values from ('${day} 00:00:00+00') to ('${next} 00:00:00+00')`,
  )
  await database.pool.query(
    `insert into observation_log (received_at, shard, lane, home_id, account, flags, packet_id, topic, payload, rejected)
     select $1::timestamptz + interval '1 second' * n + interval '7 microseconds', ($2::smallint[])[1 + n % 3], n % 2,
            ($3::text[])[1 + n % 3], 'account-' || n, n % 16, nullif(n % 5, 0), '客厅/' || n,
            decode(lpad(to_hex(n % 256), 2, '0'), 'hex') || convert_to(E'{"line":"\\n净"}', 'UTF8'),
            case when n % 50 = 0 then 'too-large' end
     from generate_series(1, $4::integer) n`,
    [`${day}T00:00:00Z`, HOMES.map(shardOf), HOMES, ROWS],
  )
}

async function readDay(homeId: string, day: string, limit: number, pieces?: number): Promise<StoredMessage[]> {
  const fromMs = Date.parse(day)
  const items: StoredMessage[] = []
  let cursor: string | null = null
  do {
    const page = await readHomeLog(database.pool, { homeId, fromMs, toMs: fromMs + DAY_MS, cursor, limit }, pieces)
    items.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== null)
  return items
}

async function exists(table: string): Promise<boolean> {
  const { rows } = await database.pool.query<{ found: boolean }>('select to_regclass($1) is not null as found', [table])
  return rows[0]?.found ?? false
}

async function passEverything(reader: string): Promise<void> {
  await createFoldStore(database.pool, reader).prepareCursors(SHARDS)
  await database.pool.query('update log_cursor set xid = pg_current_xact_id(), id = 1 where reader = $1', [reader])
}

test('a closed day is packed and reads the same; it is dropped only when every reader has passed it', async () => {
  const { pool } = database
  const day = daysAgo(3)
  await fillDay(day)
  await pool.query(
    `insert into log_rejection select home_id, xid, id, received_at, 'not-json' from observation_log where id % 40 = 7`,
  )
  const readHomes = () => Promise.all(HOMES.map((homeId) => readDay(homeId, day, 45)))
  // Another database's transaction may hide the rows for a moment.
  await expect.poll(async () => (await readHomes()).flat()).toHaveLength(ROWS)
  const before = await readHomes()
  expect(new Set(before.flat().map((row) => row.code))).toEqual(new Set([null, 'not-json', 'too-large']))

  await passEverything('rules')
  await createFoldStore(pool, 'history').prepareCursors(SHARDS)
  const lagging = await runLogUpkeep(pool, { pieceRows: 70 })
  expect(lagging).toMatchObject({ packedRows: ROWS, droppedDays: [], waitingDays: [day] })
  expect(await exists(logPartitionName(day))).toBe(true)

  await passEverything('history')
  expect(await runLogUpkeep(pool, { pieceRows: 70 })).toMatchObject({ packedRows: 0, droppedDays: [day] })
  expect(await exists(logPartitionName(day))).toBe(false)
  expect(await readHomes()).toEqual(before)
  // A page that may unpack but one piece goes on where it stopped.
  expect(await Promise.all(HOMES.map((homeId) => readDay(homeId, day, 45, 1)))).toEqual(before)
})

test('a day whose pack lacks a row is not dropped', async () => {
  const { pool } = database
  const day = daysAgo(4)
  await fillDay(day)
  await passEverything('rules')
  await passEverything('history')
  const holder = await pool.connect()
  await beginAndHold(holder, `lock table ${logPartitionName(day)} in access share mode`)
  expect(await runLogUpkeep(pool, { pieceRows: 70 })).toMatchObject({ packedRows: ROWS, waitingDays: [day] })
  await holder.query('commit')
  holder.release()

  await pool.query('update observation_pack set row_count = row_count - 1 where day = $1 and piece = 2', [day])
  expect(await runLogUpkeep(pool)).toMatchObject({ droppedDays: [], waitingDays: [day] })
  await pool.query('update observation_pack set row_count = row_count + 1 where day = $1 and piece = 2', [day])
  expect(await runLogUpkeep(pool)).toMatchObject({ droppedDays: [day] })
})

test("the homes' states of the day are kept once, and what is older than the days kept goes", async () => {
  const { pool } = database
  await pool.query("insert into home_state (home_id, shard, version, state) values ('home-a', 1, 5, '{}')")
  expect(await runLogUpkeep(pool)).toMatchObject({ snapshots: 1 })
  await pool.query("update home_state set version = 6 where home_id = 'home-a'")
  expect(await runLogUpkeep(pool)).toMatchObject({ snapshots: 0 })
  const kept = await pool.query<{ version: number }>('select version from home_state_daily')
  expect(kept.rows).toEqual([{ version: 5 }])

  await pool.query(
    `insert into home_state_daily select day, 'home-old', '0', 0, 1, now(), '{}'
     from unnest(array[$1::date, $2::date]) day`,
    [daysAgo(LOG_DAYS_KEPT + 10), daysAgo(LOG_DAYS_KEPT - 10)],
  )
  await pool.query(
    `insert into home_input select 'home-old', version, '0', 0, now() - interval '1 day' * age, jsonb_build_object('type', type)
     from (values (1, 90, 'facts'), (2, 80, 'facts'), (3, 70, 'timers'), (4, 2, 'facts')) v(version, age, type)`,
  )
  await runLogUpkeep(pool)
  const days = await pool.query(
    "select to_char(day, 'YYYY-MM-DD') as day from home_state_daily where home_id = 'home-old'",
  )
  expect(days.rows).toEqual([{ day: daysAgo(LOG_DAYS_KEPT - 10) }])
  // The facts of version 2 were in force when the oldest kept day began.
  const inputs = await pool.query('select version from home_input order by version')
  expect(inputs.rows).toEqual([{ version: 2 }, { version: 4 }])
})

test('finding what is too old reads no more than that, however much is kept', async () => {
  const { pool } = database
  await pool.query(
    `insert into log_rejection select 'home-' || n % 500, '1', n, now() - interval '1 minute' * (n % 40000), 'not-json'
     from generate_series(1, 40000) n`,
  )
  await pool.query(
    `insert into home_input select 'home-' || n % 500, 10 + n, '1', n, now() - interval '1 minute' * (n % 40000),
                                   jsonb_build_object('type', case when n <= 500 then 'facts' else 'timers' end)
     from generate_series(1, 40000) n`,
  )
  await pool.query('analyze log_rejection, home_input')
  const plans: string[] = []
  const explaining = {
    async query(text: string, values: unknown[]) {
      const { rows } = await pool.query(`explain ${text}`, values)
      plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'))
      return { rows: [], rowCount: 0 }
    },
  }
  await deleteBefore(explaining as unknown as Queryable, daysAgo(LOG_DAYS_KEPT))
  const reading = plans.filter((plan) => /log_rejection|home_input/.test(plan))
  expect(reading.length).toBeGreaterThanOrEqual(2)
  for (const plan of reading) expect(plan).not.toMatch(/Seq Scan on (log_rejection|home_input)/)
  await pool.query('truncate log_rejection, home_input')
})

test('of many homes all go, and the facts that each home still builds on stay', async () => {
  const { pool } = database
  await pool.query(
    `insert into home_input select 'home-' || home, version, '1', 1, now() - interval '1 day' * (100 - version),
                                   jsonb_build_object('type', case when version = 2 then 'timers' else 'facts' end)
     from generate_series(1, 2500) home, generate_series(1, 3) version`,
  )
  await deleteBefore(pool, daysAgo(LOG_DAYS_KEPT))
  const { rows } = await pool.query('select version, count(*)::int as homes from home_input group by version')
  expect(rows).toEqual([{ version: 3, homes: 2_500 }])
  await pool.query('truncate home_input')
})

test('who finds it running elsewhere leaves it; the coming days have their partitions', async () => {
  const { pool } = database
  const elsewhere = await pool.connect()
  await elsewhere.query('select pg_advisory_lock($1)', [UPKEEP_LOCK])
  expect(await runLogUpkeep(pool)).toBeNull()
  await elsewhere.query('select pg_advisory_unlock($1)', [UPKEEP_LOCK])
  elsewhere.release()
  await pool.query(`drop table ${logPartitionName(daysAgo(-2))}`)
  expect(await runLogUpkeep(pool)).not.toBeNull()
  expect(await exists(logPartitionName(daysAgo(-2)))).toBe(true)
})

test('a day without a partition gets it within a sweep, even while the upkeep runs elsewhere', async () => {
  const { pool } = database
  const logged: string[] = []
  const say = (_fields: Record<string, unknown>, message: string) => void logged.push(message)
  const log = { info: say, warn: say, error: say, debug: say }
  const upkeep = createLogUpkeep(pool, { clock: { now: Date.now, monotonicMs: () => performance.now() }, log })
  await upkeep.sweep()
  expect(logged).not.toContain('the log had no partition for these days')
  await upkeep.close()
  const elsewhere = await pool.connect()
  await elsewhere.query('select pg_advisory_lock($1)', [UPKEEP_LOCK])
  // As after a clock that jumped past the days prepared: today has no place to be written to.
  await pool.query(`drop table ${logPartitionName(daysAgo(0))}`)
  await upkeep.sweep()
  await pool.query(
    "insert into observation_log (shard, lane, home_id, account, flags, topic, payload) values (1, 1, 'home-a', 'a', 1, 't', '')",
  )
  expect(logged).toContain('the log had no partition for these days')
  await elsewhere.query('select pg_advisory_unlock($1)', [UPKEEP_LOCK])
  elsewhere.release()
  await upkeep.close()
})
