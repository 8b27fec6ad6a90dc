import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { shardOf } from '../core/shard.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { forgetEverything, inputTypes, setClock } from './testing/clock.ts'
import { append, signalCount, startBench, tallyOf } from './testing/rules-bench.ts'

const HOUR_MS = 3_600_000

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())
beforeEach(() => forgetEverything(database.pool))

test('two workers fire a due timer once, and its firing stands in the record', async () => {
  const { pool } = database
  const workers = [await startBench(pool), await startBench(pool)]
  const dueAt = Date.now() - 10
  await append(pool, [{ homeId: 'home-a', payload: `wake ${dueAt}` }])
  await Promise.all(workers.map(({ worker }) => worker.processAll()))
  await Promise.all(workers.map(({ worker }) => worker.processAll()))
  expect((await tallyOf(pool, 'home-a')).fired).toEqual([dueAt])
  expect(await signalCount(pool, 'home-a')).toBe(1)
  expect(await inputTypes(database.pool, 'home-a')).toEqual(['timers'])
  await Promise.all(workers.map(({ worker }) => worker.close()))
})

test('a timer fires only after the unread rows of its home', async () => {
  const { pool } = database
  const bench = await startBench(pool)
  await append(pool, [{ homeId: 'home-a', payload: `wake ${Date.now() + HOUR_MS}` }])
  await bench.worker.processAll()
  await bench.worker.close()
  // While nobody reads, the timer becomes due, and a message comes that moves it.
  const later = Date.now() + 5 * HOUR_MS
  await append(pool, [{ homeId: 'home-a', payload: `wake ${later}` }])
  await setClock(database.pool, 2 * HOUR_MS)
  const next = await startBench(pool)
  await next.worker.processAll()
  expect((await tallyOf(pool, 'home-a')).fired).toEqual([])
  const { rows } = await pool.query<{ wake_at: number }>("select wake_at from home_state where home_id = 'home-a'")
  expect(rows[0]?.wake_at).toBe(later)
  await next.worker.close()
})

test('the due column is written when a timer comes nearer, not when it moves away', async () => {
  const { pool } = database
  const bench = await startBench(pool)
  const wakeAt = async (dueAt: number) => {
    await append(pool, [{ homeId: 'home-a', payload: `wake ${dueAt}` }])
    await bench.worker.processAll()
    const { rows } = await pool.query<{ wake_at: number }>("select wake_at from home_state where home_id = 'home-a'")
    return rows[0]?.wake_at
  }
  const now = Date.now()
  expect(await wakeAt(now + 3 * HOUR_MS)).toBe(now + 3 * HOUR_MS)
  expect(await wakeAt(now + 4 * HOUR_MS)).toBe(now + 3 * HOUR_MS)
  expect(await wakeAt(now + 2 * HOUR_MS)).toBe(now + 2 * HOUR_MS)
  // The column was early: nothing fires, it is put right, and there is nothing to record.
  await wakeAt(now + 4 * HOUR_MS)
  await bench.worker.close()
  await setClock(database.pool, 2 * HOUR_MS + 60_000)
  const later = await startBench(pool)
  await later.worker.processAll()
  const { rows } = await pool.query<{ wake_at: number }>("select wake_at from home_state where home_id = 'home-a'")
  expect(rows[0]?.wake_at).toBe(now + 4 * HOUR_MS)
  expect((await tallyOf(pool, 'home-a')).fired).toEqual([])
  expect(await inputTypes(database.pool, 'home-a')).toEqual([])
  await later.worker.close()
})

test.each([
  ['forward', HOUR_MS],
  ['back', -HOUR_MS],
])(
  'a clock that jumps %s by an hour moves timers, fires none, and is one incident for the operators',
  async (_, gapMs) => {
    const { pool } = database
    const workers = [await startBench(pool), await startBench(pool)]
    const dueAt = Date.now() + HOUR_MS / 2
    await append(pool, [
      { homeId: 'home-a', payload: `wake ${dueAt}` },
      { homeId: 'home-b', payload: 'n 1' },
    ])
    for (const { worker } of workers) await worker.processAll()
    await setClock(database.pool, gapMs)
    for (const { worker } of workers) await worker.processAll()

    const home = await tallyOf(pool, 'home-a')
    expect(home.fired).toEqual([])
    expect(Math.abs(home.shiftedMs - gapMs)).toBeLessThan(5_000)
    expect(Math.abs((home.dueAt ?? 0) - dueAt - gapMs)).toBeLessThan(5_000)
    const { rows } = await pool.query<{ wake_at: number }>("select wake_at from home_state where home_id = 'home-a'")
    expect(rows[0]?.wake_at).toBeLessThanOrEqual(home.dueAt ?? 0)
    expect(await inputTypes(database.pool, 'home-a')).toEqual(['clock-jump'])
    expect(await inputTypes(database.pool, 'home-b')).toEqual(['clock-jump'])
    expect(await signalCount(pool, '-')).toBe(1)
    for (const { worker } of workers) await worker.close()
  },
)

test('a home that spoke between a jump and its discovery is moved no further than now', async () => {
  const { pool } = database
  const bench = await startBench(pool)
  await append(pool, [{ homeId: 'home-a', payload: 'n 1' }])
  await bench.worker.processAll()
  await setClock(database.pool, HOUR_MS)
  const spokeAt = performance.now()
  await append(pool, [{ homeId: 'home-a', payload: 'n 2' }])
  await pool.query(
    'update observation_log set received_at = platform_now() where id = (select max(id) from observation_log)',
  )
  await bench.worker.onHint(String(shardOf('home-a')))
  await expect.poll(async () => (await tallyOf(pool, 'home-a')).rows).toEqual([1, 2])
  await bench.worker.processAll()
  expect(await inputTypes(database.pool, 'home-a')).toEqual(['clock-jump'])
  expect((await tallyOf(pool, 'home-a')).shiftedMs).toBeLessThan(performance.now() - spokeAt)
  await bench.worker.close()
})
