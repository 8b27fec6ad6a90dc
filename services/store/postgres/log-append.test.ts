import { afterEach, beforeEach, expect, test } from 'vitest'
import { SHARDS, shardOf } from '../../core/shard.ts'
import type { FreshBatch, FreshRows, FreshSink, LogMessage, LogRow } from '../../ports.ts'
import { losingPool } from '../../testing/losing-pool.ts'
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'
import { createLogAppend } from './log-append.ts'
import { freshRowsOf } from './log-fresh.ts'
import { readUnread } from './log-read.ts'
import { createLogWriter, mayWrite, WRITER } from './log-writer.ts'
import type { Database } from './pool.ts'

let database: TestDatabase
beforeEach(async () => {
  database = await createTestDatabase()
})
afterEach(() => database.close())

function message(homeId: string, more: Partial<LogMessage> = {}): LogMessage {
  return {
    shard: shardOf(homeId),
    lane: 1,
    homeId,
    account: `${homeId}/gateway`,
    flags: 1,
    packetId: 7,
    topic: `care/v1/${homeId}/bed/telemetry`,
    payload: Buffer.from('{"movement":1}'),
    rejected: null,
    ...more,
  }
}

function readAll({ count, read }: FreshRows): LogRow[] {
  return Array.from({ length: count }, (_, nth) => read(nth))
}

/** Takes what is handed over; `null` where some of it is not told. */
function createSink() {
  const offered: (FreshBatch | null)[] = []
  const sink: FreshSink = {
    expect: () => undefined,
    // Given away, as to another thread: nothing of it is used here any more.
    offer: (batch) =>
      void offered.push(structuredClone(batch, { transfer: batch.columns.map(({ buffer }) => buffer) })),
    lost: () => void offered.push(null),
  }
  const rows = () => offered.flatMap((batch) => (batch ? readAll(freshRowsOf(batch)) : []))
  return { sink, offered, rows }
}

/** Some other test's open transaction may hide them for a moment. */
async function rowsInLog(pool: Database, count: number): Promise<LogRow[]> {
  await pool.query(
    "insert into log_cursor (reader, shard) select 'test', unnest($1::smallint[]) on conflict do nothing",
    [SHARDS],
  )
  const asked = { reader: 'test', shards: SHARDS, limitPerShard: 100, facts: 'new' as const }
  await expect.poll(async () => (await readUnread(pool, asked)).rows.length, { timeout: 10_000 }).toBe(count)
  const { rows } = await readUnread(pool, asked)
  return rows.sort((one, other) => (one.xid === other.xid ? one.id - other.id : Number(one.xid - other.xid)))
}

/** Inserts of `slow` wait in their statement until the returned function is called. */
async function holdSlowInserts(pool: Database): Promise<() => Promise<void>> {
  const key = 41
  await pool.query(`create function wait_for_test() returns trigger language plpgsql as $$ begin
      if new.payload = 'slow' then perform pg_advisory_xact_lock_shared(${key}); end if;
      return new;
    end $$`)
  await pool.query(
    'create trigger wait_for_test before insert on observation_log for each row execute function wait_for_test()',
  )
  const holder = await pool.connect()
  await holder.query('select pg_advisory_lock($1)', [key])
  // An append gives up after some seconds: the test may not spend them on opening connections.
  await Promise.all(Array.from({ length: 3 }, () => pool.query('select pg_sleep(0.05)')))
  return async () => {
    await holder.query('select pg_advisory_unlock($1)', [key])
    holder.release()
  }
}

async function untilWaiting(pool: Database, count: number): Promise<void> {
  await expect
    .poll(async () => {
      const { rows } = await pool.query<{ waiting: number }>(
        `select count(*)::int as waiting from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return rows[0]?.waiting
    })
    .toBe(count)
}

test('what is handed over is what a reader of the log gets, field by field', async () => {
  const { sink, rows } = createSink()
  const { append } = createLogAppend(database.pool, sink)
  await database.pool.query("insert into home_facts_changed values ('home-b', 3)")
  await append([
    message('home-a', { packetId: null, flags: 0 }),
    message('home-b', { lane: 0, flags: 2 | 4 | 8, payload: Buffer.alloc(0), topic: 'care/v1/家/床/event' }),
    message('home-a', { rejected: 'topic-not-allowed', packetId: 65_535 }),
  ])
  await append([message('home-c')])
  const stored = await rowsInLog(database.pool, 4)
  expect(rows()).toEqual(stored)
})

test('what it says of the clock is what was recorded before its rows', async () => {
  const { sink, offered } = createSink()
  const { append } = createLogAppend(database.pool, sink)
  await append([message('home-a')])
  await database.pool.query("insert into clock_jump (gap_ms, cause) values (60000, 'clock')")
  await append([message('home-a')])
  expect(offered.map((batch) => batch?.epoch)).toEqual([0, 1])
})

test('who comes later takes over: the former writes among others from then on, loses nothing and hands nothing over', async () => {
  const [one, other] = [createSink(), createSink()]
  const first = createLogAppend(database.pool, one.sink)
  const second = createLogAppend(database.pool, other.sink)
  await first.append([message('home-a')])
  await second.append([message('home-b')])
  // Refused once, and stored as one of several.
  await first.append([message('home-a')])
  await second.append([message('home-b')])
  await second.append([message('home-b')])
  await first.append([message('home-a')])
  const stored = await rowsInLog(database.pool, 6)
  expect(stored.map(({ homeId }) => homeId)).toEqual(['home-a', 'home-b', 'home-a', 'home-b', 'home-b', 'home-a'])
  expect(one.offered.map((batch) => batch?.rows ?? null)).toEqual([1, null])
  // The first row of the second one that is not handed over ends it.
  expect(other.offered.map((batch) => batch?.rows ?? null)).toEqual([1, null])
})

test('an ingest without rules beside it never asks to be alone, and ends that of another', async () => {
  const { sink, offered } = createSink()
  const withRules = createLogAppend(database.pool, sink)
  const without = createLogAppend(database.pool)
  await without.append([message('home-b')])
  await withRules.append([message('home-a')])
  await without.append([message('home-b')])
  await withRules.append([message('home-a')])
  expect((await rowsInLog(database.pool, 4)).map(({ homeId }) => homeId)).toEqual([
    'home-b',
    'home-a',
    'home-b',
    'home-a',
  ])
  expect(offered.map((batch) => batch?.rows ?? null)).toEqual([1, null])
})

test('whoever takes over waits for the append under way: its rows are stored, handed over, and before all others', async () => {
  const release = await holdSlowInserts(database.pool)
  const [one, other] = [createSink(), createSink()]
  const first = createLogAppend(database.pool, one.sink)
  const second = createLogAppend(database.pool, other.sink)
  const slow = first.append([message('home-a', { payload: Buffer.from('slow') })])
  await untilWaiting(database.pool, 1)
  const quick = second.append([message('home-b')])
  await untilWaiting(database.pool, 2)
  expect(other.offered).toEqual([])
  await release()
  await Promise.all([slow, quick])
  expect((await rowsInLog(database.pool, 2)).map(({ homeId }) => homeId)).toEqual(['home-a', 'home-b'])
  expect([...one.rows(), ...other.rows()].map(({ homeId }) => homeId)).toEqual(['home-a', 'home-b'])
})

test('after an unknown outcome nothing joins on: what the lost attempt may still store comes before what is handed over', async () => {
  const release = await holdSlowInserts(database.pool)
  const { sink, offered, rows } = createSink()
  let isLost = false
  const losing = losingPool(database.pool, (send) => {
    const answer = send()
    if (isLost) return answer
    isLost = true
    return Promise.race([answer, untilWaiting(database.pool, 1).then(() => Promise.reject(new Error('no answer')))])
  })
  const { append } = createLogAppend(losing, sink)
  const slow = [message('home-a', { payload: Buffer.from('slow') })]
  await expect(append(slow)).rejects.toThrow('append to the observation log')
  const again = append(slow)
  await untilWaiting(database.pool, 2)
  await release()
  await again
  const stored = await rowsInLog(database.pool, 2)
  expect(offered[0]).toBe(null)
  expect(rows()).toEqual(stored.slice(1))
})

test('an attempt of which nobody knows stores nothing if the server begins with it only later', async () => {
  const writer = createLogWriter(database.pool, true)
  await writer.announce()
  const lost = writer.id()
  writer.outcomeUnknown()
  await writer.announce()
  expect(writer.id()).not.toBe(lost)
  const { rowCount } = await database.pool.query(`with ${WRITER} select 1 from writer where ${mayWrite('$1::text')}`, [
    lost,
  ])
  expect(rowCount).toBe(0)
})
