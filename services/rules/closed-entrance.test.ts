import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { logHintKey } from '../core/log-hint.ts'
import { shardOf } from '../core/shard.ts'
import { markEntranceOpen } from '../store/postgres/entrance-watch.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { forgetEverything, inputTypes, moveClock, setClock } from './testing/clock.ts'
import { append, signalCount, startBench, tallyOf } from './testing/rules-bench.ts'

const HOUR_MS = 3_600_000

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())
beforeEach(() => forgetEverything(database.pool))

test('a time in which no entrance was open moves what is silence, once, and is no incident', async () => {
  const { pool } = database
  const heardAt = performance.now()
  await setClock(database.pool, 0)
  const before = await startBench(pool)
  const dueAt = Date.now() + HOUR_MS / 2
  await append(pool, [{ homeId: 'home-a', payload: `wake ${dueAt}` }])
  await before.worker.processAll()
  await before.worker.close()
  await moveClock(database.pool, HOUR_MS)
  const workers = [await startBench(pool), await startBench(pool)]
  await Promise.all(workers.map(({ worker }) => worker.processAll()))
  await Promise.all(workers.map(({ worker }) => worker.processAll()))
  const home = await tallyOf(pool, 'home-a')
  expect(home.fired).toEqual([])
  expect(home.shiftedMs).toBeGreaterThanOrEqual(HOUR_MS)
  expect(home.shiftedMs - HOUR_MS).toBeLessThan(performance.now() - heardAt + 1_000)
  expect(await inputTypes(database.pool, 'home-a')).toEqual(['clock-jump'])
  expect((await pool.query('select 1 from clock_jump')).rowCount).toBe(1)
  expect(await signalCount(pool, '-')).toBe(0)
  for (const { worker } of workers) await worker.close()
})

test('a worker that starts while an entrance is open moves nothing', async () => {
  const { pool } = database
  const first = await startBench(pool)
  await append(pool, [{ homeId: 'home-a', payload: 'n 1' }])
  await first.worker.processAll()
  await setClock(database.pool, HOUR_MS)
  const second = await startBench(pool)
  await second.worker.processAll()
  expect(await inputTypes(database.pool, 'home-a')).toEqual([])
  for (const { worker } of [first, second]) await worker.close()
})

test('while rules run and no entrance is open nobody is silent; what was said before it closed is folded before the gap', async () => {
  const { pool } = database
  const bench = await startBench(pool)
  const dueAt = Date.now() + 60_000
  await append(pool, [{ homeId: 'home-a', payload: `wake ${dueAt}` }])
  await bench.worker.processAll()
  // A moment of the clock that its watch does not take for a jump of its own.
  for (let passedMs = 9_000; passedMs <= 90_000; passedMs += 9_000) {
    await moveClock(database.pool, passedMs)
    await bench.worker.processAll()
  }
  const home = await tallyOf(pool, 'home-a')
  expect(home.fired).toEqual([])
  expect(home.shiftedMs).toBeGreaterThan(60_000)
  expect(await signalCount(pool, '-')).toBe(0)
  // An entrance opens and a row comes: the rest of the gap is known before the row is folded.
  await moveClock(database.pool, HOUR_MS)
  expect(await markEntranceOpen(pool)).toBeGreaterThan(HOUR_MS - 120_000)
  await append(pool, [{ homeId: 'home-a', payload: 'n 1' }])
  await pool.query(
    'update observation_log set received_at = platform_now() where id = (select max(id) from observation_log)',
  )
  await bench.worker.onHint(String(shardOf('home-a')))
  await expect.poll(async () => (await tallyOf(pool, 'home-a')).rows).toEqual([1])
  expect((await tallyOf(pool, 'home-a')).shiftedMs).toBeGreaterThan(HOUR_MS - 30_000)
  await bench.worker.close()
})

test('a jump that the alarm lane learns of while the one before is being taken in is not forgotten', async () => {
  const { pool } = database
  await setClock(database.pool, 0)
  let jumped = false
  const bench = await startBench(pool, {
    store: (inner) => ({
      ...inner,
      async readHomesBeforeEpoch(epoch, limit) {
        const behind = await inner.readHomesBeforeEpoch(epoch, limit)
        if (behind.length === 0 && !jumped) {
          jumped = true
          await jumpBesideIt()
        }
        return behind
      },
    }),
  })
  /** The entrance was closed for an hour, by its own mark alone: the watch of the rules sees no jump of the clock. */
  async function closeForAnHour(): Promise<void> {
    await pool.query("update clock_jump set at = at - interval '1 minute'")
    await pool.query("update entrance_watch set heard_until = platform_now() - interval '1 hour'")
    expect(await markEntranceOpen(pool)).toBeGreaterThanOrEqual(HOUR_MS)
  }
  async function jumpBesideIt(): Promise<void> {
    await closeForAnHour()
    await append(pool, [{ homeId: 'home-b', payload: 'press', urgent: true }])
    // Again and again: a transaction of another database may hide the row, and this pass is stopped here.
    const hintAndCount = () => {
      void bench.worker.onHint(logHintKey({ shard: shardOf('home-b'), homeId: 'home-b' }))
      return signalCount(pool, 'home-b')
    }
    await expect.poll(hintAndCount, { timeout: 15_000, interval: 50 }).toBe(1)
  }
  await append(pool, [
    { homeId: 'home-a', payload: 'n 1' },
    { homeId: 'home-b', payload: 'n 1' },
  ])
  await bench.worker.processAll()
  await closeForAnHour()
  await bench.worker.processAll()
  await bench.worker.processAll()
  expect(jumped).toBe(true)
  const { rows } = await pool.query('select home_id, clock_epoch from home_state order by home_id')
  expect(rows).toEqual([
    { home_id: 'home-a', clock_epoch: 2 },
    { home_id: 'home-b', clock_epoch: 2 },
  ])
  await bench.worker.close()
})
