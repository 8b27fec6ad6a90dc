import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { logHintKey } from '../core/log-hint.ts'
import { shardOf } from '../core/shard.ts'
import { beginAndHold, createTestDatabase, type TestDatabase, untilKnownToAll } from '../testing/postgres.ts'
import { startBeside } from './testing/beside.ts'
import { forgetEverything, setClock } from './testing/clock.ts'
import { append, signalCount, startBench, tallyOf } from './testing/rules-bench.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())
beforeEach(() => forgetEverything(database.pool))

const homeId = 'home-a'
const shard = shardOf(homeId)
const payload = (n: number) => `n ${n}`

test('once the log was read up to what is kept, rows are folded without reading it', async () => {
  const beside = await startBeside(database.pool)
  await append(database.pool, [{ homeId, payload: payload(0) }])
  await beside.say({ homeId, payload: payload(1) })
  await beside.worker.processAll()
  expect(beside.reads.shards).toBeGreaterThan(0)
  beside.reads.shards = 0
  // A row that an open transaction hid from the first look is taken from here already.
  const before = beside.metrics.anlin_rows_at_hand_total ?? 0
  for (let n = 2; n < 5; n++) {
    await beside.say({ homeId, payload: payload(n) })
    await expect.poll(async () => (await tallyOf(database.pool, homeId)).rows.at(-1)).toBe(n)
  }
  expect(beside.reads.shards).toBe(0)
  expect((await tallyOf(database.pool, homeId)).rows).toEqual([0, 1, 2, 3, 4])
  expect((beside.metrics.anlin_rows_at_hand_total ?? 0) - before).toBe(3)
  await beside.worker.close()
})

test('an alarm is folded without reading its home, after what the home said before, though its shard gathers', async () => {
  const beside = await startBeside(database.pool)
  await beside.say({ homeId, payload: payload(0) })
  await beside.worker.processAll()
  // So many that the shard's next rows have to gather.
  await beside.say(...Array.from({ length: 40 }, (_, n) => ({ homeId, payload: payload(n + 1) })))
  await expect.poll(async () => (await tallyOf(database.pool, homeId)).rows.at(-1)).toBe(40)
  Object.assign(beside.reads, { shards: 0, homes: 0 })
  await beside.say({ homeId, payload: payload(41) }, { homeId, payload: 'press', urgent: true })
  await expect.poll(() => signalCount(database.pool, homeId)).toBe(1)
  expect((await tallyOf(database.pool, homeId)).rows.at(-1)).toBe(41)
  expect(beside.reads).toEqual({ shards: 0, homes: 0 })
  await beside.worker.processAll()
  expect((await tallyOf(database.pool, homeId)).rows).toHaveLength(42)
  expect(await signalCount(database.pool, homeId)).toBe(1)
  await beside.worker.close()
})

test('what another worker has folded meanwhile is found out, and nothing is folded twice or passed over', async () => {
  const other = await startBench(database.pool)
  let meanwhile = async () => {}
  const beside = await startBeside(database.pool, (inner) => ({
    ...inner,
    async commit(asked) {
      const first = meanwhile
      meanwhile = async () => {}
      await first()
      return inner.commit(asked)
    },
  }))
  await beside.say({ homeId, payload: payload(0) })
  await beside.worker.processAll()
  // The row is taken, and the commit is lost; what comes next is taken by the version that the other one has left.
  meanwhile = async () => {
    await untilKnownToAll(database.pool, 'observation_log')
    await other.worker.processAll()
  }
  await beside.say({ homeId, payload: payload(1) })
  await beside.say({ homeId, payload: payload(2) })
  await beside.say({ homeId, payload: payload(3) })
  await expect.poll(async () => (await tallyOf(database.pool, homeId)).rows).toEqual([0, 1, 2, 3])
  // The other one's commit is seen before ours has been refused.
  await expect.poll(() => beside.metrics.anlin_fold_conflicts_total ?? 0).toBeGreaterThanOrEqual(1)
  await Promise.all([beside.worker.close(), other.worker.close()])
})

test('a row that nobody handed over is found by the next three sweeps', async () => {
  const beside = await startBeside(database.pool)
  await beside.say({ homeId, payload: payload(0) })
  await beside.worker.processAll()
  await append(database.pool, [{ homeId, payload: payload(1) }])
  await untilKnownToAll(database.pool, 'observation_log')
  for (let swept = 0; swept < 3; swept++) await beside.worker.sweep()
  expect((await tallyOf(database.pool, homeId)).rows).toEqual([0, 1])
  await beside.worker.close()
})

test('an alarm that another entrance stored, and hinted here, waits for no sweep', async () => {
  const beside = await startBeside(database.pool)
  await beside.say({ homeId, payload: payload(0) })
  await beside.worker.processAll()
  for (let n = 1; n < 3; n++) {
    await append(database.pool, [{ homeId, payload: 'press', urgent: true }])
    await beside.worker.onHint(logHintKey({ shard, homeId }))
    await expect.poll(() => signalCount(database.pool, homeId), { timeout: 10_000 }).toBe(n)
  }
  await beside.worker.close()
})

test('nor where an open transaction hides it from the first look', async () => {
  const beside = await startBeside(database.pool)
  await beside.say({ homeId, payload: payload(0) })
  await beside.worker.processAll()
  await append(database.pool, [{ homeId, payload: 'press', urgent: true }])
  await beside.worker.onHint(logHintKey({ shard, homeId }))
  await expect.poll(() => signalCount(database.pool, homeId)).toBe(1)
  const open = await database.pool.connect()
  await beginAndHold(open)
  await append(database.pool, [{ homeId, payload: 'press', urgent: true }])
  const heard = beside.worker.onHint(logHintKey({ shard, homeId }))
  await sleep(100)
  expect(await signalCount(database.pool, homeId)).toBe(1)
  await open.query('commit')
  open.release()
  await expect.poll(() => signalCount(database.pool, homeId)).toBe(2)
  await heard
  await beside.worker.close()
})

test('nor where an alarm of that home had been handed over before', async () => {
  const beside = await startBeside(database.pool)
  await beside.say({ homeId, payload: payload(0) })
  await beside.worker.processAll()
  await beside.say({ homeId, payload: 'press', urgent: true })
  await expect.poll(() => signalCount(database.pool, homeId)).toBe(1)
  await append(database.pool, [{ homeId, payload: 'press', urgent: true }])
  await beside.worker.onHint(logHintKey({ shard, homeId }))
  await expect.poll(() => signalCount(database.pool, homeId)).toBe(2)
  await beside.worker.close()
})

test('an alarm does not wait for the backlog that was handed over before it', async () => {
  let commits = 0
  let commitsBefore = Number.POSITIVE_INFINITY
  const beside = await startBeside(database.pool, (inner) => ({
    ...inner,
    async commit(asked) {
      if (asked.signals.length > 0) commitsBefore = commits
      else if (++commits > 1) await sleep(400)
      return inner.commit(asked)
    },
  }))
  await beside.say({ homeId, payload: payload(0) })
  await beside.worker.processAll()
  const others = ['home-x', 'home-y', 'home-z', homeId]
  for (let n = 0; n < 10; n++) {
    await beside.say(
      ...Array.from({ length: 1_000 }, (_, nth) => ({ homeId: others[nth % 3] ?? '', payload: payload(nth) })),
    )
  }
  commits = 1
  await beside.say({ homeId, payload: 'press', urgent: true })
  await expect.poll(() => signalCount(database.pool, homeId)).toBe(1)
  // The backlog takes ten.
  expect(commitsBefore - 1).toBeLessThanOrEqual(3)
  await beside.worker.close()
})

test('an alarm behind more rows of its own home than the lane takes at once is reached by the lane all the same', async () => {
  const beside = await startBeside(database.pool)
  await beside.say({ homeId, payload: payload(0) })
  await beside.worker.processAll()
  // So that the shard's next rows have to gather.
  await beside.say(...Array.from({ length: 60 }, (_, n) => ({ homeId, payload: payload(n + 1) })))
  await expect.poll(async () => (await tallyOf(database.pool, homeId)).rows.length).toBe(61)
  const many = Array.from({ length: 1_200 }, (_, n) => ({ homeId, payload: payload(n + 61) }))
  const folded = beside.metrics.anlin_rows_folded_total ?? 0
  await beside.say(...many, { homeId, payload: 'press', urgent: true })
  await expect.poll(() => signalCount(database.pool, homeId), { interval: 5 }).toBe(1)
  await beside.worker.processAll()
  expect((await tallyOf(database.pool, homeId)).rows).toHaveLength(1_261)
  // Each row by the lane and once more by its shard's pass, which skips it.
  expect((beside.metrics.anlin_rows_folded_total ?? 0) - folded).toBeLessThanOrEqual(2 * 1_201)
  await beside.worker.close()
})

test('a timer fires only after what was stored before, though it has not been handed over yet', async () => {
  const beside = await startBeside(database.pool)
  const dueAt = Date.now() + 8_500
  await beside.say({ homeId, payload: `wake ${dueAt}` })
  await beside.worker.processAll()
  await setClock(database.pool, 9_000)
  await append(database.pool, [{ homeId, payload: `wake ${dueAt + 3_600_000}` }])
  await beside.worker.sweep()
  expect((await tallyOf(database.pool, homeId)).fired).toEqual([])
  await beside.worker.close()
})
