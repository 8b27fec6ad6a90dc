import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { shardOf } from '../../core/shard.ts'
import { append } from '../../rules/testing/rules-bench.ts'
import { beginAndHold, createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'
import { createFoldStore } from './fold-store.ts'
import { oldestOpenXidAgeMs } from './oldest-transaction.ts'

const HOME = 'home-a'
const SHARD = shardOf(HOME)

let database: TestDatabase
let early: pg.PoolClient
let late: pg.PoolClient
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())
beforeEach(async () => {
  await database.pool.query('truncate observation_log, log_cursor')
})

/** Reads what is readable, passes it, and answers the payloads, as a worker does that does nothing else. */
async function readOn(): Promise<string[]> {
  const store = createFoldStore(database.pool)
  await store.prepareCursors([SHARD])
  const { rows, cursors } = await store.readUnread({ shards: [SHARD], limitPerShard: 100, ahead: [] })
  const last = rows.at(-1)
  const [cursor] = cursors
  if (last && cursor) {
    const moved = { ...cursor, xid: last.xid, id: last.id, passedAtMs: last.receivedAt }
    const commit = { homes: [], inputs: [], signals: [], rejections: [], changes: [] }
    expect(await store.commit({ cursors: [moved], ...commit })).toEqual([])
  }
  return rows.map((row) => Buffer.from(row.payload).toString())
}

async function withTwoWriters(story: () => Promise<void>): Promise<void> {
  early = await database.pool.connect()
  late = await database.pool.connect()
  try {
    // `early` takes the lower transaction id.
    await beginAndHold(early)
    await beginAndHold(late)
    await story()
  } finally {
    for (const client of [early, late]) {
      // Of a story that failed: open it would hide what the next one writes.
      await client.query('rollback')
      client.release()
    }
  }
}

test('the later transaction takes the lower row id and commits first: nothing is skipped', async () => {
  await withTwoWriters(async () => {
    await append(late, [{ homeId: HOME, payload: 'later transaction, lower id' }])
    await append(early, [{ homeId: HOME, payload: 'earlier transaction, higher id' }])
    await late.query('commit')
    // A reader that took the later one's row now would stand behind the earlier one's for ever.
    expect(await readOn()).toEqual([])
    await early.query('commit')
    await expect.poll(readOn).toEqual(['earlier transaction, higher id', 'later transaction, lower id'])
    expect(await readOn()).toEqual([])
  })
})

test('the earlier transaction takes the lower row id and commits last: nothing is skipped', async () => {
  await withTwoWriters(async () => {
    await append(early, [{ homeId: HOME, payload: 'earlier transaction, lower id' }])
    await append(late, [{ homeId: HOME, payload: 'later transaction, higher id' }])
    await late.query('commit')
    expect(await readOn()).toEqual([])
    await early.query('commit')
    await expect.poll(readOn).toEqual(['earlier transaction, lower id', 'later transaction, higher id'])
  })
})

test('the later transaction takes the lower id and commits last, below what was read: nothing is skipped', async () => {
  await withTwoWriters(async () => {
    await append(late, [{ homeId: HOME, payload: 'later transaction, lower id' }])
    await append(early, [{ homeId: HOME, payload: 'earlier transaction, higher id' }])
    await early.query('commit')
    await expect.poll(readOn).toEqual(['earlier transaction, higher id'])
    await late.query('commit')
    // A cursor on the id alone stands above this row: seen to lose it.
    await expect.poll(readOn).toEqual(['later transaction, lower id'])
  })
})

test('a clock that was set back by days does not hide new rows behind the pruning of old partitions', async () => {
  const { pool } = database
  await append(pool, [{ homeId: HOME, payload: 'before' }])
  await expect.poll(readOn).toEqual(['before'])
  await pool.query("update log_cursor set passed_at = now() + interval '3 days'")
  await append(pool, [{ homeId: HOME, payload: 'after' }])
  await expect.poll(readOn).toEqual(['after'])
})

test('partitions older than the cursor are not looked at', async () => {
  const { pool } = database
  await pool.query(
    "create table observation_log_20200101 partition of observation_log for values from ('2020-01-01') to ('2020-01-02')",
  )
  await createFoldStore(pool).prepareCursors([SHARD])
  await pool.query('update log_cursor set passed_at = now()')
  const { rows } = await pool.query(
    `explain (analyze, costs off, timing off, summary off) select l.* from log_cursor c cross join lateral (
       select l.id from observation_log l where l.shard = c.shard and (l.xid, l.id) > (c.xid, c.id)
         and l.received_at >= least(c.passed_at, now()) - interval '1 day' order by l.xid, l.id limit 5) l`,
  )
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
  expect(plan).toMatch(/observation_log_20200101 l_\d+ \(never executed\)/)
  await pool.query('drop table observation_log_20200101')
})

test('the age of the oldest writing transaction is seen, whoever holds it', async () => {
  await withTwoWriters(async () => {
    await expect.poll(() => oldestOpenXidAgeMs(database.pool)).toBeGreaterThan(5)
    await early.query('rollback')
    await late.query('rollback')
  })
})
