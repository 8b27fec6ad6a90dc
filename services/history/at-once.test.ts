import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { shardOf } from '../core/shard.ts'
import type { DecodedRow, ShardCursor } from '../ports.ts'
import { createPostgresHistory } from '../store/postgres/history.ts'
import { createHistoryProgress } from '../store/postgres/history-progress.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { createHandover, type Handover } from './handed-over.ts'
import { type Bench, placeHomes, publish, startBench, valuesOf } from './testing/projector-bench.ts'

/** The history in the same database: a batch and the cursors are one commit, and the rules hand over what they decoded. */

let database: TestDatabase
let store: ReturnType<typeof createPostgresHistory>
let benches: Bench[]
beforeEach(async () => {
  database = await createTestDatabase()
  store = createPostgresHistory(database.pool)
  benches = []
  await placeHomes(database.pool, ['home-a', 'home-b'])
})
afterEach(async () => {
  await Promise.all(benches.map((bench) => bench.close()))
  await database.close()
})

async function open(handover: Handover | null = null, appendAndFinish = store.appendAndFinish): Promise<Bench> {
  const bench = await startBench(database.pool, store, { appendAndFinish, handover })
  benches.push(bench)
  return bench
}

const beats = (homeId: string, from: number, to: number, startMs = Date.now() - 3_600_000) =>
  Array.from({ length: to - from }, (_, index) => ({
    homeId,
    body: { at: startMs + (from + index) * 100, movement: from + index },
  }))
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)
const movements = (homeId: string) => valuesOf(store, homeId, 'movement')

/** How often a batch was written down from here on. */
async function countProposals(): Promise<() => Promise<number>> {
  const { pool } = database
  await pool.query('create table proposed (batch integer)')
  await pool.query(`create function note_proposal() returns trigger language plpgsql as
    $$ begin insert into proposed values (1); return new; end $$`)
  await pool.query(`create trigger note_proposal after update on history_batch for each row
    when (new.batch_zstd is not null) execute function note_proposal()`)
  return async () => (await pool.query('select 1 from proposed')).rowCount ?? 0
}

test('a batch and the cursors are one commit: nothing is written down before', async () => {
  const proposals = await countProposals()
  await publish(database.pool, [...beats('home-a', 0, 40), ...beats('home-b', 0, 40)])
  const { projector } = await open()
  await projector.drain()
  expect(await proposals()).toBe(0)
  expect(await movements('home-a')).toEqual(numbers(0, 40))
  expect(await movements('home-b')).toEqual(numbers(0, 40))
})

test('a point that the database never takes sends its batch the long way, and only that point is set aside', async () => {
  const { pool } = database
  await pool.query(`create function refuse_13() returns trigger language plpgsql as
    $$ begin if new.movement = 13 then raise 'out of range' using errcode = '22003'; end if; return new; end $$`)
  await pool.query('create trigger refuse_13 before insert on reading for each row execute function refuse_13()')
  const proposals = await countProposals()
  await publish(pool, beats('home-a', 0, 30))
  const { projector } = await open()
  await projector.drain()
  expect(await proposals()).toBe(1)
  expect(await movements('home-a')).toEqual(numbers(0, 30).filter((value) => value !== 13))
  const { rows } = await pool.query("select (point->'values'->>'movement')::int as movement from history_dead_letter")
  expect(rows).toEqual([{ movement: 13 }])
})

test('a commit whose answer is lost is neither missing nor double', async () => {
  let lost = 0
  const { projector, logged } = await open(null, async (version, batch) => {
    const stands = await store.appendAndFinish(version, batch)
    lost += 1
    if (lost === 1) throw new Error('planted')
    return stands
  })
  await publish(database.pool, beats('home-a', 0, 20))
  await vi.waitFor(() => expect(logged).toContain('the history waits; the log keeps everything'))
  await publish(database.pool, beats('home-a', 20, 40))
  await projector.drain()
  expect(await movements('home-a')).toEqual(numbers(0, 40))
})

test('two at once: who is overtaken writes nothing', async () => {
  const a = await open()
  const b = await open()
  for (let batch = 0; batch < 5; batch += 1) {
    await publish(database.pool, beats('home-a', batch * 100, (batch + 1) * 100))
    await Promise.all([a.projector.drain(), b.projector.drain()])
  }
  expect(await movements('home-a')).toEqual(numbers(0, 500))
})

/** What the log has after the history's cursor, as the rules would hand it over, saying `movement` instead. */
async function decodedAs(
  homeId: string,
  movement: number,
): Promise<{ rows: DecodedRow[]; from: ShardCursor; to: ShardCursor }> {
  const progress = createHistoryProgress(database.pool)
  // Until other tests' older transactions end, nobody may read the row.
  const { row, from } = await vi.waitFor(
    async () => {
      const { rows, cursors } = await progress.readUnread({ shards: [shardOf(homeId)], limitPerShard: 10 })
      if (!rows[0] || !cursors[0]) throw new Error('nothing to read yet')
      return { row: rows[0], from: cursors[0] }
    },
    { timeout: 20_000, interval: 5 },
  )
  const [home] = await progress.readDevices([homeId])
  const device = home?.devices.find(({ deviceId }) => deviceId === 'bed')
  if (!device) throw new Error('no such device')
  const meta = {
    homeId,
    deviceId: 'bed',
    messageId: null,
    at: row.receivedAt,
    receivedAt: row.receivedAt,
    retained: false,
  }
  const observations = [{ ...meta, kind: 'measurement' as const, values: { movement } }]
  return { from, to: { ...from, xid: row.xid, id: row.id }, rows: [{ row, device, observations }] }
}

test('what the rules hand over is not read again; what they do not, is read a little later', async () => {
  const handover = createHandover()
  const { projector } = await open(handover)
  await projector.drain()
  await publish(database.pool, beats('home-a', 7, 8))
  // However long this takes, the row is not old enough to be read.
  await database.pool.query("update observation_log set received_at = received_at + interval '1 minute'")
  // The log says 7: whoever reads 1,000 has it from the handover.
  handover.offer(await decodedAs('home-a', 1_000))
  await vi.waitFor(async () => expect(await movements('home-a')).toEqual([1_000]), { timeout: 10_000 })
  await publish(database.pool, beats('home-b', 8, 9))
  await projector.drain()
  expect(await movements('home-b')).toEqual([8])
  expect(await movements('home-a')).toEqual([1_000])
})
