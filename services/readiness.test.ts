import { afterAll, beforeAll, expect, test } from 'vitest'
import { createReadiness } from './readiness.ts'
import { createTestDatabase, type TestDatabase } from './testing/postgres.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

test('what an alarm needs makes a process unready; the history and the queue are only told', async () => {
  const { pool } = database
  let queueUp = true
  let sweepAgeMs = 0
  const ask = createReadiness(pool, { ageMs: () => sweepAgeMs }, () => queueUp)
  const notOk = async () => {
    const { ready, checks } = await ask()
    return { ready, notOk: checks.filter((check) => !check.ok).map((check) => check.name) }
  }
  await expect.poll(notOk).toEqual({ ready: true, notOk: [] })
  expect((await ask()).checks.map((check) => check.name)).toEqual([
    'database',
    'rules',
    'transactions',
    'history',
    'sweep',
    'queue',
  ])

  queueUp = false
  await pool.query("insert into log_cursor (reader, shard) values ('history', 1)")
  await pool.query(
    `insert into observation_log (received_at, shard, lane, home_id, account, flags, topic, payload)
     values (clock_timestamp() - interval '2 minutes', 1, 1, 'home-a', 'a', 0, 't', '')`,
  )
  await expect.poll(notOk).toEqual({ ready: true, notOk: ['history', 'queue'] })

  sweepAgeMs = 11_000
  await expect.poll(notOk).toEqual({ ready: false, notOk: ['history', 'sweep', 'queue'] })
  sweepAgeMs = 0
  await pool.query("insert into log_cursor (reader, shard) values ('rules', 1)")
  await expect.poll(notOk).toMatchObject({ ready: false, notOk: ['rules', 'history', 'queue'] })
})
