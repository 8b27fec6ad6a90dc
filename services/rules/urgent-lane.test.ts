import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { logHintKey } from '../core/log-hint.ts'
import { SHARDS, shardOf } from '../core/shard.ts'
import { inTransaction } from '../store/postgres/pool.ts'
import { beginAndHold, createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { append, holdPassOver, signalCount, startBench, tallyOf } from './testing/rules-bench.ts'

const WAITING_ROWS = 100_000

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

test("a press is folded long before the telemetry that waited before it, and after its own home's", {
  timeout: 90_000,
}, async () => {
  const { pool } = database
  // At once, for a transaction of another database between the two would show the one and hide the other.
  await inTransaction(pool, async (tx) => {
    await tx.query(
      `insert into observation_log (received_at, shard, lane, home_id, account, flags, topic, payload)
       select clock_timestamp() - interval '1 minute', $1, 1, 'home-' || n % 300, 'a', 0, 't', convert_to('n ' || n, 'UTF8')
       from generate_series(1, $2::integer) n`,
      [shardOf('home-a'), WAITING_ROWS],
    )
    await append(tx, [
      { homeId: 'home-a', payload: 'n 7' },
      { homeId: 'home-a', payload: 'press', urgent: true },
      { homeId: 'home-a', payload: 'n 8' },
    ])
  })
  const bench = await startBench(pool)
  for (const shard of SHARDS) void bench.worker.onHint(String(shard))
  await expect.poll(() => signalCount(pool, 'home-a'), { interval: 5, timeout: 10_000 }).toBe(1)
  const { rows } = await pool.query<{ unread: number }>(
    `select count(*)::int as unread from observation_log l join log_cursor c on c.shard = l.shard
     where (l.xid, l.id) > (c.xid, c.id)`,
  )
  expect(rows[0]?.unread).toBeGreaterThan(WAITING_ROWS / 2)
  expect((await tallyOf(pool, 'home-a')).rows[0]).toBe(7)

  await bench.worker.processAll()
  // The shard's own pass came by again and took nothing twice.
  expect((await tallyOf(pool, 'home-a')).rows).toEqual([7, 8])
  expect(await signalCount(pool, 'home-a')).toBe(1)
  const folded = await pool.query<{ n: number }>(
    "select sum(json_array_length(state->'rows'))::int as n from home_state where home_id <> 'home-a'",
  )
  expect(folded.rows[0]?.n).toBe(WAITING_ROWS)
  await bench.worker.close()
})

test('an alarm that comes in the middle of a pass is folded beside it', async () => {
  const { pool } = database
  const [busy, pressed] = ['home-x', 'home-y']
  expect(shardOf(busy)).not.toBe(shardOf(pressed))
  const held = holdPassOver(busy)
  const bench = await startBench(pool, { store: held.store })
  await append(pool, [{ homeId: busy, payload: 'n 1' }])
  const pass = bench.worker.onHint(logHintKey({ shard: shardOf(busy), homeId: null }))
  await held.begun
  await append(pool, [
    { homeId: pressed, payload: 'n 2' },
    { homeId: pressed, payload: 'press', urgent: true },
  ])
  void bench.worker.onHint(logHintKey({ shard: shardOf(pressed), homeId: pressed }))
  await expect.poll(() => signalCount(pool, pressed), { interval: 5, timeout: 10_000 }).toBe(1)
  await expect.poll(() => bench.hinted).toEqual([`incident ${pressed}`])
  held.goOn()
  await pass
  await bench.worker.processAll()
  expect((await tallyOf(pool, busy)).rows).toEqual([1])
  expect((await tallyOf(pool, pressed)).rows).toEqual([2])
  expect(await signalCount(pool, pressed)).toBe(1)
  await bench.worker.close()
})

/** Homes of one shard, none of them used by another test. */
function neighbours(count: number): string[] {
  const names = Array.from({ length: 2_000 }, (_, nth) => `neighbour-${nth}`)
  return names.filter((name) => shardOf(name) === shardOf('neighbour-0')).slice(0, count)
}

test('an alarm of a shard that is being folded waits for no pass that has none of its home; one of a home in the pass waits for its commit alone', async () => {
  const { pool } = database
  const [busy = '', pressed = ''] = neighbours(2)
  const other = 'home-y'
  const commit = Promise.withResolvers<void>()
  const next = holdPassOver(other)
  const bench = await startBench(pool, {
    store: (inner) => ({
      ...next.store(inner),
      async commit(asked) {
        if (asked.cursors.some(({ shard }) => shard === shardOf(busy))) {
          // The next pass begins while this one commits.
          void bench.worker.onHint(logHintKey({ shard: shardOf(other), homeId: null }))
          await commit.promise
        }
        return inner.commit(asked)
      },
    }),
  })
  // One row: after more of them the next pass would rest, and this commit is not to end before that has begun.
  await append(pool, [{ homeId: busy, payload: 'n 1' }])
  void bench.worker.onHint(logHintKey({ shard: shardOf(busy), homeId: null }))
  await next.begun
  const press = async (homeId: string) => {
    await append(pool, [{ homeId, payload: 'press', urgent: true }])
    void bench.worker.onHint(logHintKey({ shard: shardOf(homeId), homeId }))
  }
  await press(pressed)
  await expect.poll(() => signalCount(pool, pressed), { interval: 5 }).toBe(1)
  await press(busy)
  await sleep(50)
  expect(await signalCount(pool, busy)).toBe(0)
  commit.resolve()
  await expect.poll(() => signalCount(pool, busy), { interval: 5 }).toBe(1)
  next.goOn()
  await bench.worker.processAll()
  expect((await tallyOf(pool, busy)).rows).toEqual([1])
  expect([await signalCount(pool, busy), await signalCount(pool, pressed)]).toEqual([1, 1])
  await bench.worker.close()
})

test('an alarm that an open transaction hides at first is folded as soon as it ends, though the pass in hand goes on', async () => {
  const { pool } = database
  const [busy, pressed] = ['home-x', 'home-y']
  const held = holdPassOver(busy)
  let looks = 0
  const bench = await startBench(pool, {
    store: (inner) => ({
      ...held.store(inner),
      readHomeRows(asked) {
        looks += 1
        return inner.readHomeRows(asked)
      },
    }),
  })
  await append(pool, [{ homeId: busy, payload: 'n 1' }])
  const pass = bench.worker.onHint(logHintKey({ shard: shardOf(busy), homeId: null }))
  await held.begun
  const older = await pool.connect()
  await beginAndHold(older)
  await append(pool, [{ homeId: pressed, payload: 'press', urgent: true }])
  void bench.worker.onHint(logHintKey({ shard: shardOf(pressed), homeId: pressed }))
  await expect.poll(() => looks, { interval: 5 }).toBeGreaterThan(2)
  expect(bench.hinted).toEqual([])
  await older.query('commit')
  older.release()
  await expect.poll(() => bench.hinted, { interval: 5, timeout: 10_000 }).toEqual([`incident ${pressed}`])
  held.goOn()
  await pass
  await bench.worker.close()
})

test('while an alarm is folded beside the shards, nobody spins for what has to wait for it', async () => {
  const { pool } = database
  const [busy, pressed, next] = ['home-x', 'home-y', 'home-z']
  expect(new Set([busy, pressed, next].map(shardOf)).size).toBe(3)
  const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const [folding, fold] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let looks = 0
  const bench = await startBench(pool, {
    monotonicMs() {
      looks += 1
      // Spinning never lets another event in: without this the test would never end.
      if (looks > 10_000) throw new Error('the rounds spin')
      return performance.now()
    },
    store: (inner) => ({
      ...inner,
      async readUnread(asked) {
        if (asked.shards.includes(shardOf(busy))) {
          begun.resolve()
          await goOn.promise
        }
        return inner.readUnread(asked)
      },
      async readHomeRows(asked) {
        folding.resolve()
        await fold.promise
        return inner.readHomeRows(asked)
      },
    }),
  })
  await append(pool, [{ homeId: busy, payload: 'n 3' }])
  const pass = bench.worker.onHint(logHintKey({ shard: shardOf(busy), homeId: null }))
  await begun.promise
  const before = await Promise.all([pressed, next].map((home) => signalCount(pool, home)))
  await append(pool, [
    { homeId: pressed, payload: 'press', urgent: true },
    { homeId: pressed, payload: 'n 4' },
    { homeId: next, payload: 'press', urgent: true },
  ])
  const hints = [bench.worker.onHint(logHintKey({ shard: shardOf(pressed), homeId: pressed }))]
  await folding.promise
  goOn.resolve()
  await pass
  hints.push(bench.worker.onHint(logHintKey({ shard: shardOf(pressed), homeId: null })))
  hints.push(bench.worker.onHint(logHintKey({ shard: shardOf(next), homeId: next })))
  await sleep(50)
  expect(looks).toBeLessThan(500)
  fold.resolve()
  await Promise.all(hints)
  const after = () => Promise.all([pressed, next].map((home) => signalCount(pool, home)))
  await expect.poll(after, { interval: 5, timeout: 10_000 }).toEqual(before.map((count) => count + 1))
  await expect.poll(async () => (await tallyOf(pool, pressed)).rows.at(-1), { timeout: 10_000 }).toBe(4)
  await bench.worker.close()
})
