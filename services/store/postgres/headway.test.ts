import pg from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'
import { isWorking, whileWorking } from './headway.ts'

const WITHIN = { timeout: 20_000, interval: 10 }

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

async function connected(): Promise<{ client: pg.Client; pid: number }> {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  onTestFinished(() => client.end())
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return { client, pid: rows[0]?.pid ?? 0 }
}

test('a statement at work is told of until it ends', async () => {
  const { client } = await connected()
  let told = 0
  const watched = { url: database.url, client, goesOn: () => void told++, lookEveryMs: 10 }
  const work = async () => {
    const long = client.query('select pg_sleep(60)').catch(() => undefined)
    await vi.waitFor(() => expect(told).toBeGreaterThan(1), WITHIN)
    await database.pool.query("select pg_cancel_backend(pid) from pg_stat_activity where query = 'select pg_sleep(60)'")
    await long
  }
  await whileWorking(watched, work)
})

test('who waits for a lock or does nothing makes no headway, nor does a server that is not there', async () => {
  const [waiting, holding] = [await connected(), await connected()]
  expect(await isWorking(database.url, waiting.pid)).toBe(false)
  await holding.client.query('select pg_advisory_lock(1)')
  const got = waiting.client.query('select pg_advisory_lock(1)')
  const states = "select wait_event_type as waits from pg_stat_activity where pid = $1 and state = 'active'"
  const waits = async () => (await database.pool.query(states, [waiting.pid])).rows
  await expect.poll(waits, WITHIN).toEqual([{ waits: 'Lock' }])
  expect(await isWorking(database.url, waiting.pid)).toBe(false)
  await holding.client.query('select pg_advisory_unlock(1)')
  await got
  expect(await isWorking('postgres://anlin:nobody@127.0.0.1:1/anlin', waiting.pid)).toBe(false)
})
