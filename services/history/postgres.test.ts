import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HistoryStore } from '../ports.ts'
import { createPostgresHistory } from '../store/postgres/history.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { historyContract, newHome, point } from './testing/history-contract.ts'

let database: TestDatabase
let store: HistoryStore
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
