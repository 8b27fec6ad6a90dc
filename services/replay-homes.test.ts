import { afterAll, beforeAll, expect, test } from 'vitest'
import { openReport, type ReplayReport } from './core/replay/report.ts'
import { shardOf } from './core/shard.ts'
import { replayHomes } from './replay-homes.ts'
import { countingFold } from './rules/testing/counting-fold.ts'
import { append, placeHome, startBench, tallyOf } from './rules/testing/rules-bench.ts'
import { logPartitionName } from './store/postgres/log-partitions.ts'
import { runLogUpkeep } from './store/postgres/log-upkeep.ts'
import { createTestDatabase, type TestDatabase } from './testing/postgres.ts'

const DAY_MS = 86_400_000
const HOME = 'home-a'
const NEIGHBOUR = Array.from({ length: 500 }, (_, n) => `home-${n}`).find((id) => shardOf(id) === shardOf(HOME)) ?? ''

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  await placeHome(database.pool, HOME)
  await placeHome(database.pool, NEIGHBOUR)
})
afterAll(() => database.close())

function daysAgo(days: number): string {
  return new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10)
}

async function live(payloads: string[]): Promise<void> {
  const bench = await startBench(database.pool)
  for (const payload of payloads) {
    await append(database.pool, [
      { homeId: HOME, payload },
      { homeId: NEIGHBOUR, payload: 'n 7' },
    ])
    await bench.worker.onHint(String(shardOf(HOME)))
  }
  await bench.worker.processAll()
  await bench.worker.close()
}

async function replay(from: string | null, homeId: string | null = null): Promise<ReplayReport> {
  const report = openReport()
  await replayHomes({ database: database.pool, fold: countingFold, report }, { homeId, from })
  return report
}

async function fillDay(day: string, rows: number): Promise<void> {
  const next = new Date(Date.parse(day) + DAY_MS).toISOString().slice(0, 10)
  await database.pool.query(
    `create table ${logPartitionName(day)} partition of observation_log
     for values from ('${day} 00:00:00+00') to ('${next} 00:00:00+00')`,
  )
  await database.pool.query(
    `insert into observation_log (received_at, shard, lane, home_id, account, flags, topic, payload)
     select $1::timestamptz + n * interval '1 second', $2, 1, ($3::text[])[1 + n % 2], 'a', 1, 't',
            convert_to(case n % 9 when 0 then 'press' else 'n ' || n end, 'UTF8')
     from generate_series(1, $4::integer) n`,
    [`${day}T00:00:00Z`, shardOf(HOME), [HOME, NEIGHBOUR], rows],
  )
}

test('packed days, timers, new facts and rows that made the fold throw, replayed whole and from a day: the same', async () => {
  const { pool } = database
  await fillDay(daysAgo(4), 50)
  await live([])
  await fillDay(daysAgo(3), 50)
  await live(['n 1', 'press', `wake ${Date.now() - 5}`, 'poison', 'n 2'])
  await runLogUpkeep(pool, { pieceRows: 7 })
  const days = await pool.query('select to_regclass($1) as raw', [logPartitionName(daysAgo(4))])
  expect(days.rows).toEqual([{ raw: null }])

  await pool.query('update home set test_mode_until = now() where home_id = $1', [HOME])
  await live(['unreadable', 'n 3', `wake ${Date.now() + 20}`, 'press', 'n 4'])
  await expect
    .poll(async () => {
      await live([])
      return (await tallyOf(pool, HOME)).fired.length
    })
    .toBe(2)
  await live(['n 5'])

  const whole = await replay(null)
  expect(whole.differences).toEqual([])
  expect(whole.counts).toMatchObject({ homes: 2, rows: 122, signals: 14 })
  const today = await replay(daysAgo(0))
  expect(today.differences).toEqual([])
  expect(today.counts).toMatchObject({ homes: 2, rows: 12, signals: 2 })
  expect((await replay(null, HOME)).counts).toMatchObject({ homes: 1, rows: 61 })

  expect((await replay('2020-01-01', HOME)).differences).toEqual([])
  expect((await replay(daysAgo(1), HOME)).differences).toMatchObject([{ homeId: HOME, what: 'start' }])
})

test('a planted difference is found where it is', async () => {
  const { pool } = database
  await pool.query(`update home_state set state = jsonb_set(state::jsonb, '{rows,1}', '99')::json where home_id = $1`, [
    HOME,
  ])
  await pool.query(`update log_rejection set code = 'other' where code = 'not-json'`)
  const { rows } = await pool.query<{ id: number }>(
    'select input_id as id from incident_input where home_id = $1 order by input_id limit 2',
    [HOME],
  )
  await pool.query(`update incident_input set body = jsonb_set(body, '{signal,deviceId}', '"x"') where input_id = $1`, [
    rows[1]?.id,
  ])
  await pool.query('delete from incident_input where input_id = (select max(input_id) from incident_input)')
  const { differences, differenceCount } = await replay(null)
  expect(differenceCount).toBe(4)
  expect(differences).toMatchObject([
    { homeId: HOME, what: 'signal', id: String(rows[1]?.id), detail: 'differs at deviceId' },
    { homeId: HOME, what: 'rejection', detail: 'recorded other, replayed not-json' },
    { homeId: HOME, what: 'signal', detail: 'not on record' },
    { homeId: HOME, what: 'home-state', detail: 'differs at rows[1]' },
  ])
})
