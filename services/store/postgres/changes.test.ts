import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Change } from '../../ports.ts'
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'
import { followChanges } from './changes.ts'

const silent = { info() {}, warn() {}, error() {}, debug() {} }
let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

const LISTENING = `select pid from pg_stat_activity where application_name = 'anlin-listen'
  and datname = current_database() and state = 'idle' and query like 'listen %'`

const insert = (ref: string) =>
  database.pool.query("insert into change (kind, home_id, ref) values ('incident', 'home-1', $1)", [ref])

test('each follower sees every change once and in order, also after its LISTEN connection was cut', async () => {
  await insert('before')
  // Other tests share the server: until their older transactions end, this one is not yet known to every reader.
  await vi.waitFor(
    async () => {
      const past = await database.pool.query(
        'select 1 from change where xid >= pg_snapshot_xmin(pg_current_snapshot())',
      )
      expect(past.rowCount).toBe(0)
    },
    { timeout: 20_000, interval: 5 },
  )
  const seen: string[][] = [[], []]
  const feeds = await Promise.all(seen.map(() => followChanges(database.pool, database.url, silent)))
  feeds.forEach((feed, i) => {
    feed.subscribe((changes: Change[]) => seen[i]?.push(...changes.map((change) => change.ref)))
  })
  await insert('one')
  await vi.waitFor(() => expect(seen).toEqual([['one'], ['one']]), { timeout: 5_000, interval: 5 })

  // Who looks each second hears of a change also before it listens, so that 'one' came does not say that both do.
  await vi.waitFor(async () => expect((await database.pool.query(LISTENING)).rowCount).toBe(2), { timeout: 5_000 })
  const cut = await database.pool.query(`select pg_terminate_backend(pid) from (${LISTENING}) listening`)
  expect(cut.rowCount).toBe(2)
  for (const ref of ['two', 'three']) await insert(ref)
  await vi.waitFor(
    () =>
      expect(seen).toEqual([
        ['one', 'two', 'three'],
        ['one', 'two', 'three'],
      ]),
    { timeout: 5_000 },
  )
  await Promise.all(feeds.map((feed) => feed.close()))
})

test('a change hidden by an older open transaction comes as soon as that one ends', async () => {
  const seen: string[] = []
  const feed = await followChanges(database.pool, database.url, silent)
  feed.subscribe((changes) => seen.push(...changes.map((change) => change.ref)))
  const older = await database.pool.connect()
  await older.query('begin')
  await older.query('select pg_current_xact_id()')
  await insert('hidden')
  await older.query("insert into change (kind, home_id, ref) values ('home', 'home-1', 'older')")
  expect(seen).toEqual([])
  await older.query('commit')
  older.release()
  await vi.waitFor(() => expect(seen).toEqual(['older', 'hidden']), { timeout: 3_000 })
  await feed.close()
})

/** Does something in a transaction that stays open; a plain connection, for ours may not hold one for long. */
async function holdOpen(statement: string): Promise<{ end(): Promise<void> }> {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query('begin')
  await client.query(statement)
  return { end: () => client.end() }
}

test('says how old its knowledge is: it grows while the table cannot be read, and falls after', async () => {
  const feed = await followChanges(database.pool, database.url, silent)
  const lock = await holdOpen('lock table change in access exclusive mode')
  await vi.waitFor(() => expect(feed.ageMs()).toBeGreaterThan(2_000), { timeout: 5_000 })
  await lock.end()
  await vi.waitFor(() => expect(feed.ageMs()).toBeLessThan(1_000), { timeout: 5_000 })
  await feed.close()
})

test('an old transaction makes its knowledge old only once it hides a change', async () => {
  const feed = await followChanges(database.pool, database.url, silent)
  const older = await holdOpen('select pg_current_xact_id()')
  await vi.waitFor(() => expect(feed.ageMs()).toBeLessThan(500), { timeout: 5_000 })
  const begun = performance.now()
  await vi.waitFor(() => expect(performance.now() - begun).toBeGreaterThan(1_500), { timeout: 5_000 })
  expect(feed.ageMs()).toBeLessThan(1_500)
  await insert('hidden')
  await vi.waitFor(() => expect(feed.ageMs()).toBeGreaterThan(1_800), { timeout: 5_000 })
  await older.end()
  await vi.waitFor(() => expect(feed.ageMs()).toBeLessThan(1_000), { timeout: 5_000 })
  await feed.close()
})
