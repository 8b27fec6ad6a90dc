import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Change } from '../../ports.ts'
import { beginAndHold, createTestDatabase, type TestDatabase, untilKnownToAll } from '../../testing/postgres.ts'
import { followChanges } from './changes.ts'

const silent = { info() {}, warn() {}, error() {}, debug() {} }
let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

const PATIENCE = { timeout: 20_000 }

const LISTENING = `select pid from pg_stat_activity where application_name = 'anlin-listen'
  and datname = current_database() and state = 'idle' and query like 'listen %'`

const insert = (ref: string) =>
  database.pool.query("insert into change (kind, home_id, ref) values ('incident', 'home-1', $1)", [ref])

test('each follower sees every change once and in order, also after its LISTEN connection was cut', async () => {
  await insert('before')
  await untilKnownToAll(database.pool, 'change')
  const seen: string[][] = [[], []]
  const feeds = await Promise.all(seen.map(() => followChanges(database.pool, database.url, silent)))
  feeds.forEach((feed, i) => {
    feed.subscribe((changes: Change[]) => seen[i]?.push(...changes.map((change) => change.ref)))
  })
  await insert('one')
  await vi.waitFor(() => expect(seen).toEqual([['one'], ['one']]), { ...PATIENCE, interval: 5 })

  // Who looks each second hears of a change also before it listens, so that 'one' came does not say that both do.
  await vi.waitFor(async () => expect((await database.pool.query(LISTENING)).rowCount).toBe(2), PATIENCE)
  const cut = await database.pool.query(`select pg_terminate_backend(pid) from (${LISTENING}) listening`)
  expect(cut.rowCount).toBe(2)
  for (const ref of ['two', 'three']) await insert(ref)
  await vi.waitFor(
    () =>
      expect(seen).toEqual([
        ['one', 'two', 'three'],
        ['one', 'two', 'three'],
      ]),
    PATIENCE,
  )
  await Promise.all(feeds.map((feed) => feed.close()))
})

test('a change hidden by an older open transaction comes as soon as that one ends', async () => {
  const seen: string[] = []
  const feed = await followChanges(database.pool, database.url, silent)
  feed.subscribe((changes) => seen.push(...changes.map((change) => change.ref)))
  const older = await database.pool.connect()
  await beginAndHold(older)
  await insert('hidden')
  await older.query("insert into change (kind, home_id, ref) values ('home', 'home-1', 'older')")
  expect(seen).toEqual([])
  await older.query('commit')
  older.release()
  await vi.waitFor(() => expect(seen).toEqual(['older', 'hidden']), PATIENCE)
  await feed.close()
})

/** Does something in a transaction that stays open. */
async function holdOpen(statement?: string): Promise<{ end(): Promise<void> }> {
  const client = await database.pool.connect()
  await beginAndHold(client, statement)
  return {
    async end() {
      await client.query('rollback')
      client.release()
    },
  }
}

test('says how old its knowledge is: it grows while the table cannot be read, and falls after', async () => {
  const feed = await followChanges(database.pool, database.url, silent)
  const lock = await holdOpen('lock table change in access exclusive mode')
  await vi.waitFor(() => expect(feed.ageMs()).toBeGreaterThan(2_000), PATIENCE)
  await lock.end()
  await vi.waitFor(() => expect(feed.ageMs()).toBeLessThan(1_000), PATIENCE)
  await feed.close()
})

test('an old transaction makes its knowledge old only once it hides a change', async () => {
  const feed = await followChanges(database.pool, database.url, silent)
  const older = await holdOpen()
  await vi.waitFor(() => expect(feed.ageMs()).toBeLessThan(500), PATIENCE)
  const begun = performance.now()
  await vi.waitFor(() => {
    expect(performance.now() - begun).toBeGreaterThan(1_500)
    expect(feed.ageMs()).toBeLessThan(1_000)
  }, PATIENCE)
  await insert('hidden')
  await vi.waitFor(() => expect(feed.ageMs()).toBeGreaterThan(1_800), PATIENCE)
  await older.end()
  await vi.waitFor(() => expect(feed.ageMs()).toBeLessThan(1_000), PATIENCE)
  await feed.close()
})
