import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { logHintKey } from '../core/log-hint.ts'
import { shardOf } from '../core/shard.ts'
import { beginAndHold, createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { setClock } from './testing/clock.ts'
import { append, type Bench, holdPassOver, signalCount, startBench, tallyOf } from './testing/rules-bench.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

async function press({ worker }: Bench, homeId: string): Promise<void> {
  await append(database.pool, [
    { homeId, payload: 'n 5' },
    { homeId, payload: 'press', urgent: true },
  ])
  void worker.onHint(logHintKey({ shard: shardOf(homeId), homeId }))
}

test('an alarm that was left while its shard was read, and is hidden then, is looked for after the pass without a sweep', async () => {
  const { pool } = database
  const names = Array.from({ length: 1_000 }, (_, nth) => `reading-${nth}`)
  const [busy = '', pressed = ''] = names.filter((name) => shardOf(name) === shardOf('reading-0'))
  const held = holdPassOver(busy)
  const bench = await startBench(pool, {
    store: (inner) => ({
      ...held.store(inner),
      async readHomeRows(asked) {
        const read = await inner.readHomeRows(asked)
        // The pass ends, and the other transaction too, before the lane knows that the row is hidden.
        await sleep(200)
        return read
      },
    }),
  })
  await append(pool, [{ homeId: busy, payload: 'n 1' }])
  const older = await pool.connect()
  await beginAndHold(older)
  void bench.worker.onHint(logHintKey({ shard: shardOf(busy), homeId: null }))
  await held.begun
  await press(bench, pressed)
  await sleep(20)
  held.goOn()
  await sleep(100)
  await older.query('commit')
  older.release()
  await expect.poll(() => signalCount(pool, pressed), { interval: 5 }).toBe(1)
  await bench.worker.close()
})

test('a timer that is being fired while its home presses is not lost, and neither is a press', async () => {
  const { pool } = database
  const [home, other] = ['timer-home', 'timer-other']
  const dueAt = Date.now() + 8_500
  const first = await startBench(pool)
  await append(pool, [{ homeId: other, payload: `wake ${dueAt}` }])
  await first.worker.processAll()
  await first.worker.close()
  const [reading, read] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const [committing, commit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let isDue = false
  const bench = await startBench(pool, {
    store: (inner) => ({
      ...inner,
      async readHomes(homeIds) {
        const homes = await inner.readHomes(homeIds)
        if (isDue && homeIds.includes(other)) {
          reading.resolve()
          await read.promise
        }
        return homes
      },
      async commit(asked) {
        if (isDue && asked.homes.some(({ homeId }) => homeId === other)) {
          committing.resolve()
          await commit.promise
        }
        return inner.commit(asked)
      },
    }),
  })
  // In the cache, unlike the other: the timers' pass takes it from there and then waits.
  await append(pool, [{ homeId: home, payload: `wake ${dueAt}` }])
  await bench.worker.processAll()
  await setClock(pool, 9_000)
  isDue = true
  const swept = bench.worker.sweep()
  await reading.promise
  await press(bench, home)
  await sleep(100)
  read.resolve()
  await committing.promise
  await press(bench, home)
  await sleep(100)
  commit.resolve()
  await swept
  await bench.worker.processAll()
  expect(await tallyOf(pool, home)).toMatchObject({ fired: [dueAt], rows: [5, 5] })
  expect(bench.metrics.anlin_fold_conflicts_total).toBeUndefined()
  await bench.worker.close()
})

test('a press of a home whose commit is under way waits for that, and costs no lost race', async () => {
  const { pool } = database
  const home = 'committing-home'
  const [committing, commit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const bench = await startBench(pool, {
    store: (inner) => ({
      ...inner,
      async commit(asked) {
        if (asked.cursors.some(({ shard }) => shard === shardOf(home))) {
          committing.resolve()
          await commit.promise
        }
        return inner.commit(asked)
      },
    }),
  })
  await append(pool, [{ homeId: home, payload: 'n 1' }])
  void bench.worker.onHint(logHintKey({ shard: shardOf(home), homeId: null }))
  await committing.promise
  await press(bench, home)
  await sleep(100)
  commit.resolve()
  await expect.poll(() => signalCount(pool, home), { interval: 5 }).toBe(1)
  expect(bench.metrics.anlin_fold_conflicts_total).toBeUndefined()
  await bench.worker.close()
})
