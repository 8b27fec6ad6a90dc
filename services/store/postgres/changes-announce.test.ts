import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'
import { announcerOf, CHANGE_CHANNEL, NOTIFY_CHANGE } from './changes-announce.ts'

let database: TestDatabase
let follower: pg.Client
let told = 0
beforeAll(async () => {
  database = await createTestDatabase()
  follower = new pg.Client({ connectionString: database.url })
  await follower.connect()
  follower.on('notification', () => {
    told += 1
  })
  await follower.query(`listen ${CHANGE_CHANNEL}`)
})
afterAll(async () => {
  await follower.end()
  await database.close()
})

test('a commit that writes changes carries no NOTIFY, whose lock would put all commits in one line', async () => {
  await database.pool.query("insert into change (kind, home_id, ref) values ('incident', 'home-1', 'one')")
  // What was told before this answer would have arrived with it.
  await follower.query('select 1')
  expect(told).toBe(0)
  await database.pool.query({ text: NOTIFY_CHANGE })
  await expect.poll(() => told).toBe(1)
  told = 0
})

test('a burst is told at once, what comes while that is under way by one more, and the last is always told', async () => {
  const begun: PromiseWithResolvers<void>[] = []
  const announce = announcerOf({
    async query(...asked: Parameters<typeof database.pool.query>) {
      const own = Promise.withResolvers<void>()
      begun.push(own)
      await own.promise
      return database.pool.query(...asked)
    },
  } as unknown as pg.Pool)
  for (let n = 0; n < 100; n += 1) announce()
  await expect.poll(() => begun.length).toBe(1)
  for (let n = 0; n < 100; n += 1) announce()
  begun[0]?.resolve()
  await expect.poll(() => begun.length).toBe(2)
  announce()
  begun[1]?.resolve()
  await expect.poll(() => begun.length).toBe(3)
  begun[2]?.resolve()
  await expect.poll(() => told).toBe(3)
})

test('one that fails is not tried again, and the next one is told', async () => {
  const before = told
  let failing = true
  let failed = 0
  const announce = announcerOf({
    async query(...asked: Parameters<typeof database.pool.query>) {
      if (failing) {
        failed += 1
        throw new Error('away')
      }
      return database.pool.query(...asked)
    },
  } as unknown as pg.Pool)
  announce()
  await expect.poll(() => failed).toBe(1)
  failing = false
  announce()
  await expect.poll(() => told).toBe(before + 1)
  await follower.query('select 1')
  expect(told).toBe(before + 1)
})
