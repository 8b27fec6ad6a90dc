import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MeasuredPoint } from '../ports.ts'
import { createPostgresHistory } from '../store/postgres/history.ts'
import { createHistoryProgress } from '../store/postgres/history-progress.ts'
import { openPool } from '../store/postgres/pool.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { asked, historyContract, newHome, point } from './testing/history-contract.ts'

let database: TestDatabase
let store: ReturnType<typeof createPostgresHistory>
beforeAll(async () => {
  database = await createTestDatabase()
  store = createPostgresHistory(database.pool)
})
afterAll(() => database.close())

describe('history in PostgreSQL', () => {
  historyContract(() => store)

  test('a name that no text column holds is refused, and nothing else is to blame', async () => {
    const refused = store.append([point({ homeId: newHome(), deviceId: 'a\0b' })])
    await expect(refused).rejects.toMatchObject({ code: 'refused' })
  })

  test('two processes that need the same new month make it once', async () => {
    const stores = [1, 2, 3, 4].map(() => createPostgresHistory(database.pool))
    const atMs = Date.parse('2031-05-31T23:59:59.999Z')
    await Promise.all(stores.map((one) => one.append([point({ homeId: newHome(), atMs })])))
    const { rows } = await database.pool.query(
      "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'reading'::regclass and inhrelid::regclass::text like 'reading_2031%' order by 1",
    )
    expect(rows).toEqual([{ name: 'reading_203105' }, { name: 'reading_203106' }])
  })
})

describe('a batch of the history and the cursors in one statement', () => {
  const NOON = Date.parse('2026-11-10T12:00:00Z')
  const versionNow = async () => (await createHistoryProgress(database.pool).readState()).version
  const atOnce = async (points: MeasuredPoint[]) =>
    store.appendAndFinish(await versionNow(), {
      points,
      cursors: [{ shard: 3, xid: 7n, id: 8, version: 0, passedAtMs: NOON }],
    })
  const valuesOf = async (homeId: string) => (await store.read(asked({ homeId }))).map(({ value }) => value)
  const beats = (homeId: string, from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) =>
      point({ homeId, atMs: NOON + from + index, values: { heartRatePerMin: from + index } }),
    )

  test('points that are there already stay as they are, and nothing beside them is lost or doubled', async () => {
    await createHistoryProgress(database.pool).prepareCursors([3])
    const [home, other] = [newHome(), newHome()]
    await atOnce(beats(home, 50, 51))
    const version = await versionNow()
    const again = point({ homeId: home, atMs: NOON + 50, values: { heartRatePerMin: 999 } })
    const twice = point({ homeId: other, atMs: NOON + 60, values: { heartRatePerMin: 998 } })
    expect(await atOnce([...beats(other, 55, 61), ...beats(home, 51, 55), again, twice])).toBe(true)
    expect(await versionNow()).toBe(version + 1)
    expect(await valuesOf(home)).toEqual([50, 51, 52, 53, 54])
    expect(await valuesOf(other)).toEqual([55, 56, 57, 58, 59, 60])
    const { rows } = await database.pool.query("select xid, id from log_cursor where reader = 'history' and shard = 3")
    expect(rows).toEqual([{ xid: 7n, id: 8 }])
    expect(await atOnce(beats(home, 55, 57))).toBe(true)
    expect(await valuesOf(home)).toEqual([50, 51, 52, 53, 54, 55, 56])
  })

  test('a point that is there already costs no connection', async () => {
    const pool = await openPool(database.url, { max: 1, name: 'test' })
    const backend = async () => (await pool.query('select pg_backend_pid()')).rows
    const before = await backend()
    const points = beats(newHome(), 0, 1)
    const { appendAndFinish } = createPostgresHistory(pool)
    await appendAndFinish(await versionNow(), { points, cursors: [] })
    expect(await appendAndFinish(await versionNow(), { points, cursors: [] })).toBe(true)
    expect(await backend()).toEqual(before)
    await pool.end()
  })

  test('a device that never stops repeating itself has few batches written twice', async () => {
    const { pool } = database
    // A sequence counts what was rolled back too.
    await pool.query('create sequence inserts')
    await pool.query(`create function count_insert() returns trigger language plpgsql as
      $$ begin perform nextval('inserts'); return null; end $$`)
    await pool.query(
      'create trigger count_insert before insert on reading for each statement execute function count_insert()',
    )
    const home = newHome()
    const batches = 40
    for (let batch = 0; batch < batches; batch++) await atOnce([...beats(home, batch, batch + 1), ...beats(home, 0, 1)])
    expect(await valuesOf(home)).toEqual(Array.from({ length: batches }, (_, batch) => batch))
    const { rows } = await pool.query<{ inserts: number }>('select last_value as inserts from inserts')
    expect(rows[0]?.inserts).toBeLessThan(batches + 4)
    await pool.query('drop trigger count_insert on reading')
  })
})
