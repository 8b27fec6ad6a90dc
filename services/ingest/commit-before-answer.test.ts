import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { connect, type Harness, placeDevice, startHarness, storedRows } from './testing/ingest-harness.ts'

let database: TestDatabase
let harness: Harness

beforeAll(async () => {
  database = await createTestDatabase()
  harness = await startHarness(database.pool)
})
afterAll(async () => {
  await harness.close()
  await database.close()
})

test('a press is on disk, urgent and in its shard, when the button hears its PUBACK', async () => {
  const account = await placeDevice(database.pool)
  const button = await connect(harness.ingest, account)
  const topic = `care/v1/${account.homeId}/${account.deviceId}/event`
  await button.publishAsync(topic, '{"kind":"sos","state":"pressed"}', { qos: 1 })
  const rows = await storedRows(database.pool, account.homeId)
  expect(rows).toMatchObject([{ topic, account: account.username, lane: 0, flags: 1, rejected: null }])
  expect(rows[0]?.payload.toString()).toBe('{"kind":"sos","state":"pressed"}')
  expect(harness.hints).toContain(`log:${rows[0]?.shard}`)
  await button.endAsync()
})

test('while the database is blocked there is no PUBACK; then it comes', async () => {
  const account = await placeDevice(database.pool)
  const button = await connect(harness.ingest, account)
  const blocker = await database.pool.connect()
  await blocker.query('begin')
  await blocker.query('lock table observation_log in access exclusive mode')
  let answered = false
  const publish = button.publishAsync(`care/v1/${account.homeId}/${account.deviceId}/event`, 'x', { qos: 1 })
  void publish.then(() => {
    answered = true
  })
  await vi.waitFor(async () => {
    const { rows } = await database.pool.query(
      "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%observation_log%' and datname = current_database()",
    )
    expect(rows).toHaveLength(1)
  })
  expect(answered).toBe(false)
  await blocker.query('commit')
  blocker.release()
  await publish
  expect(await storedRows(database.pool, account.homeId)).toHaveLength(1)
  await button.endAsync()
})
