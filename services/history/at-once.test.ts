import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { decoder } from '../../devices/index.ts'
import { SHARDS, shardOf } from '../core/shard.ts'
import type { DecodedRow, ShardCursor } from '../ports.ts'
import { createPostgresHistory } from '../store/postgres/history.ts'
import { createHistoryProgress } from '../store/postgres/history-progress.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { createHandover, type Handover } from './handed-over.ts'
import type { Projector } from './projector.ts'
import { type Bench, beats, numbers, placeHomes, publish, startBench, valuesOf } from './testing/projector-bench.ts'

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

async function open(
  handover: Handover | null = null,
  appendAndFinish = store.appendAndFinish,
  progress = createHistoryProgress(database.pool),
): Promise<Bench> {
  const bench = await startBench(database.pool, store, { appendAndFinish, handover, progress })
  benches.push(bench)
  return bench
}

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
  await vi.waitFor(() => expect(logged).toContain('the history waits; the log keeps everything'), 10_000)
  await publish(database.pool, beats('home-a', 20, 40))
  await projector.drain()
  expect(await movements('home-a')).toEqual(numbers(0, 40))
})

test('who is overtaken writes nothing', async () => {
  const { pool } = database
  const { version } = await createHistoryProgress(pool).readState()
  const point = (movement: number) =>
    ({
      homeId: 'home-a',
      deviceId: 'bed',
      deviceKind: 'sleep-monitor',
      atMs: Date.now() - movement,
      sequence: 1,
      values: { movement },
    }) as const
  expect(await store.appendAndFinish(version, { points: [point(1)], cursors: [] })).toBe(true)
  expect(await store.appendAndFinish(version, { points: [point(2)], cursors: [] })).toBe(false)
  expect(await movements('home-a')).toEqual([1])
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
  return { from, to: { ...from, xid: row.xid, id: row.id }, rows: [{ row, device, observations, deviceState: null }] }
}

/** A projector that has read its cursors and looks into the log only while `mayRead`. */
async function openWithHandover(log: { mayRead: boolean }): Promise<{ handover: Handover; projector: Projector }> {
  const handover = createHandover()
  const progress = createHistoryProgress(database.pool)
  let looks = 0
  const { projector } = await open(handover, store.appendAndFinish, {
    ...progress,
    async readLagging(longerThanMs) {
      looks += 1
      return log.mayRead ? progress.readLagging(longerThanMs) : []
    },
  })
  await vi.waitFor(() => expect(looks).toBeGreaterThan(0), { timeout: 10_000 })
  return { handover, projector }
}

test('what the rules hand over is not read again; what they do not, is read a little later', async () => {
  const log = { mayRead: false }
  const { handover, projector } = await openWithHandover(log)
  await publish(database.pool, beats('home-a', 7, 8))
  // The log says 7: whoever reads 1,000 has it from the handover.
  handover.offer(await decodedAs('home-a', 1_000))
  await vi.waitFor(async () => expect(await movements('home-a')).toEqual([1_000]), { timeout: 10_000 })
  log.mayRead = true
  await publish(database.pool, beats('home-b', 8, 9))
  await projector.drain()
  expect(await movements('home-b')).toEqual([8])
  expect(await movements('home-a')).toEqual([1_000])
})

test('a shard that nothing is handed over of is read also while others never stop', async () => {
  const { handover } = await openWithHandover({ mayRead: true })
  await publish(database.pool, beats('home-a', 1, 2))
  const { from, to, rows } = await decodedAs('home-a', 1)
  const other = { ...from, shard: (from.shard + 1) % SHARDS.length }
  let id = 0
  const endless = setInterval(() => {
    // Some row says more than a batch takes, each time.
    const many = Array.from({ length: 600 }, () => rows).flat()
    handover.offer({ from: { ...other, id }, to: { ...to, shard: other.shard, id: id + 1 }, rows: many })
    id += 1
  }, 5)
  await publish(database.pool, beats('home-b', 5, 6))
  await vi
    .waitFor(async () => expect(await movements('home-b')).toEqual([5]), { timeout: 15_000 })
    .finally(() => clearInterval(endless))
}, 30_000)

test('who lost to another projector takes nothing that the other has passed', async () => {
  const { handover } = await openWithHandover({ mayRead: false })
  await publish(database.pool, beats('home-a', 7, 8))
  const decoded = await decodedAs('home-a', 1_000)
  const other = await open()
  await other.projector.drain()
  expect(await movements('home-a')).toEqual([7])
  // The first is refused and lost; one that comes later must not find the old cursors.
  const offers = setInterval(() => handover.offer(decoded), 100)
  await new Promise((done) => setTimeout(done, 5_000))
  clearInterval(offers)
  expect(await movements('home-a')).toEqual([7])
}, 30_000)

test('a message that is read from the log is dated by what the rules knew of its device', async () => {
  const SLOW_MS = 8 * 3_600_000
  const log = { mayRead: false }
  const { handover } = await openWithHandover(log)
  await publish(database.pool, beats('home-a', 1, 2))
  const { rows, ...stretch } = await decodedAs('home-a', 1)
  const [first] = rows
  if (!first) throw new Error('nothing was published')
  // After some messages the rules believe that this clock is eight hours slow.
  let deviceState: unknown = null
  for (let ago = 8; ago > 0; ago -= 1) {
    const receivedAt = Date.now() - ago * 15_000
    const payload = Buffer.from(JSON.stringify({ at: receivedAt - SLOW_MS, movement: ago }))
    deviceState = decoder.decode(deviceState, { ...first.row, receivedAt, payload }, first.device).deviceState
  }
  handover.offer({ ...stretch, rows: [{ ...first, deviceState }] })
  await vi.waitFor(async () => expect(await movements('home-a')).toEqual([1]), { timeout: 10_000 })
  log.mayRead = true
  await publish(database.pool, [{ homeId: 'home-a', body: { at: Date.now() - SLOW_MS, movement: 2 } }])
  await vi.waitFor(async () => expect((await movements('home-a')).toSorted()).toEqual([1, 2]), { timeout: 10_000 })
  const { rows: kept } = await database.pool.query<{ hours: number }>(
    'select extract(epoch from now() - at)::float8 / 3600 as hours from reading where movement = 2',
  )
  expect(kept[0]?.hours).toBeLessThan(1)
}, 30_000)
