import { afterAll, beforeAll, expect, test } from 'vitest'
import { logHintKey } from '../core/log-hint.ts'
import { shardOf } from '../core/shard.ts'
import type { FoldStore, RaisedInput } from '../ports.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { append, startBench } from './testing/rules-bench.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

const presses = (...homes: string[]) => homes.map((homeId) => ({ homeId, payload: 'press', urgent: true }))

test('an escalation in the same process expects the home, and is given its signals with their rows’ ids instead of hints', async () => {
  const { pool } = database
  const expected: string[] = []
  const taken: RaisedInput[] = []
  const escalation = {
    expect: (homeId: string) => void expected.push(homeId),
    join: async () => null,
    take: (inputs: readonly RaisedInput[]) => void taken.push(...inputs),
  }
  const bench = await startBench(pool, { escalation })
  await append(pool, [...presses('home-b', 'home-a', 'home-b'), { homeId: 'home-c', payload: 'n 1' }])
  await bench.worker.onHint(logHintKey({ shard: shardOf('home-a'), homeId: 'home-a' }))
  await bench.worker.processAll()
  await bench.worker.close()
  expect(expected).toEqual(['home-a'])
  expect(bench.hinted).toEqual([])
  const { rows } = await pool.query(
    `select home_id as "homeId", input_id::text as "inputId", body -> 'signal' as signal from incident_input order by input_id`,
  )
  expect(rows).toHaveLength(3)
  expect(taken.toSorted((one, other) => Number(one.inputId) - Number(other.inputId))).toEqual(rows)
})

test('a pass that loses its race gives no signals', async () => {
  const { pool } = database
  await pool.query('truncate incident_input')
  const taken: RaisedInput[] = []
  let losing = true
  const losingOnce = (store: FoldStore): FoldStore => ({
    ...store,
    async commit(commit) {
      if (!losing || commit.signals.length === 0) return store.commit(commit)
      losing = false
      expect(taken).toEqual([])
      return null
    },
  })
  const escalation = {
    expect: () => undefined,
    join: async () => null,
    take: (inputs: readonly RaisedInput[]) => void taken.push(...inputs),
  }
  const bench = await startBench(pool, { store: losingOnce, escalation })
  await append(pool, presses('home-a'))
  await bench.worker.processAll()
  await bench.worker.close()
  expect(losing).toBe(false)
  expect(taken).toHaveLength(1)
})
