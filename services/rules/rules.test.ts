import { afterAll, beforeAll, expect, test } from 'vitest'
import { shardOf } from '../core/shard.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { append, signalCount, startBench, tallyOf } from './testing/rules-bench.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

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
  expect(bench.hinted).toEqual(['incident home-a'])
  await bench.worker.close()
})
