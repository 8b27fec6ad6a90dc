import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { shardOf } from '../core/shard.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { append, placeHome, signalCount, startBench, tallyOf } from './testing/rules-bench.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())
beforeEach(async () => {
  await database.pool.query(
    'truncate observation_log, log_cursor, home_state, home_input, home_facts_changed, incident_input, log_rejection',
  )
})

async function rejections(): Promise<string[]> {
  const { rows } = await database.pool.query<{ code: string }>('select code from log_rejection order by xid, id')
  return rows.map((row) => row.code)
}

test('a hint folds what is new, in order, and a press is told to the escalation', async () => {
  const { pool } = database
  const bench = await startBench(pool)
  await append(pool, [
    { homeId: 'home-a', payload: 'n 1' },
    { homeId: 'home-a', payload: 'press', urgent: true },
    { homeId: 'home-a', payload: 'n 2' },
  ])
  await bench.worker.onHint(String(shardOf('home-a')))
  await expect.poll(async () => (await tallyOf(pool, 'home-a')).rows).toEqual([1, 2])
  expect(await signalCount(pool, 'home-a')).toBe(1)
  await expect.poll(() => bench.hinted).toEqual(['incident home-a'])
  await bench.worker.close()
})

test('a hint that names no shard folds what is new in all of them', async () => {
  const { pool } = database
  const bench = await startBench(pool)
  const homeIds = ['home-a', 'home-b', 'home-c', 'home-d']
  expect(new Set(homeIds.map(shardOf)).size).toBeGreaterThan(1)
  await append(
    pool,
    homeIds.map((homeId) => ({ homeId, payload: 'n 1' })),
  )
  await bench.worker.onHint('')
  for (const homeId of homeIds) await expect.poll(async () => (await tallyOf(pool, homeId)).rows).toEqual([1])
  await bench.worker.close()
})

test('a row whose hint was lost is found by the sweep', async () => {
  const { pool } = database
  const bench = await startBench(pool)
  await append(pool, [{ homeId: 'home-a', payload: 'n 1' }])
  await bench.worker.sweep()
  await expect.poll(async () => (await tallyOf(pool, 'home-a')).rows).toEqual([1])
  await bench.worker.close()
})

test('what cannot be read is stored with its reason; what ingest refused is passed', async () => {
  const { pool } = database
  const bench = await startBench(pool)
  await append(pool, [
    { homeId: 'home-a', payload: 'unreadable' },
    { homeId: 'home-a', payload: 'n 1', rejected: 'too-large' },
    { homeId: 'home-a', payload: 'n 2' },
  ])
  await bench.worker.processAll()
  expect(await rejections()).toEqual(['not-json'])
  expect((await tallyOf(pool, 'home-a')).rows).toEqual([2])
  await bench.worker.close()
})

test('a row that makes the fold throw is rejected and passed, and stops nobody', async () => {
  const { pool } = database
  const bench = await startBench(pool)
  const otherOfShard = Array.from({ length: 500 }, (_, n) => `home-${n}`).find(
    (homeId) => homeId !== 'home-a' && shardOf(homeId) === shardOf('home-a'),
  )
  if (!otherOfShard) throw new Error('no other home of that shard')
  await append(pool, [
    { homeId: 'home-a', payload: 'n 1' },
    { homeId: 'home-a', payload: 'poison' },
    { homeId: 'home-a', payload: 'poison' },
    { homeId: 'home-a', payload: 'n 2' },
    { homeId: otherOfShard, payload: 'n 3' },
  ])
  await bench.worker.processAll()
  expect((await tallyOf(pool, 'home-a')).rows).toEqual([1, 2])
  expect((await tallyOf(pool, otherOfShard)).rows).toEqual([3])
  expect(await rejections()).toEqual(['fold-error', 'fold-error'])
  expect(bench.metrics.anlin_fold_errors_total).toBe(2)
  await bench.worker.close()
})

test('a home whose settings or devices change is folded with the new ones, and the change stands in its record', async () => {
  const { pool } = database
  await placeHome(pool, 'home-a')
  const seen: number[] = []
  const bench = await startBench(pool, { onFacts: (facts) => seen.push(facts.devices.length) })
  const inputs = async () => {
    const { rows } = await pool.query(
      "select body->>'type' as type, body->'facts'->'settings' as settings from home_input order by version",
    )
    return rows
  }
  await append(pool, [{ homeId: 'home-a', payload: 'n 1' }])
  await bench.worker.processAll()
  expect(seen).toEqual([1])
  await pool.query(`update home set settings = '{"bedWarningMinutes": 20}' where home_id = 'home-a'`)
  await pool.query("insert into device (home_id, device_id, kind) values ('home-a', 'smoke-kitchen', 'smoke-detector')")
  await append(pool, [{ homeId: 'home-a', payload: 'n 2' }])
  await bench.worker.processAll()
  expect(seen).toEqual([1, 2])
  expect(await inputs()).toEqual([
    { type: 'facts', settings: {} },
    { type: 'facts', settings: { bedWarningMinutes: 20 } },
  ])
  // Told to the fold even where no message comes.
  await pool.query("update home set settings = '{}' where home_id = 'home-a'")
  await bench.worker.processAll()
  expect(await inputs()).toHaveLength(3)
  await bench.worker.close()
})

test('a database that is away fails the sweep; the next one goes on', async () => {
  const { pool } = database
  let away = true
  const bench = await startBench(pool, {
    store: (inner) => ({
      ...inner,
      commit: (commit) => (away ? Promise.reject(new Error('connection lost')) : inner.commit(commit)),
    }),
  })
  await append(pool, [{ homeId: 'home-a', payload: 'n 1' }])
  await expect(bench.worker.processAll()).rejects.toThrow('connection lost')
  away = false
  await bench.worker.processAll()
  expect((await tallyOf(pool, 'home-a')).rows).toEqual([1])
  await bench.worker.close()
})
