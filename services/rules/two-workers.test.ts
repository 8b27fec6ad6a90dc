import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { shardOf } from '../core/shard.ts'
import type { FoldStore } from '../ports.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { append, signalCount, startBench, type TestRow, tallyOf } from './testing/rules-bench.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())
beforeEach(async () => {
  await database.pool.query('truncate observation_log, log_cursor, home_state, home_input, incident_input')
})

/** A worker that stops right before its commit, as a frozen process does, until it is told to go on. */
function freezing(): { store(inner: FoldStore): FoldStore; frozen: Promise<void>; goOn(): void } {
  const frozen = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  let once = true
  return {
    frozen: frozen.promise,
    goOn: goOn.resolve,
    store: (inner) => ({
      ...inner,
      async commit(commit) {
        if (once) {
          once = false
          frozen.resolve()
          await goOn.promise
        }
        return inner.commit(commit)
      },
    }),
  }
}

test('a worker frozen past the commit of another folds nothing twice and takes no state back', async () => {
  const { pool } = database
  const freeze = freezing()
  const sleeper = await startBench(pool, { store: freeze.store })
  const successor = await startBench(pool)
  await append(pool, [{ homeId: 'home-a', payload: 'n 0' }])
  await successor.worker.processAll()
  await append(pool, [
    { homeId: 'home-a', payload: 'n 1' },
    { homeId: 'home-a', payload: 'press', urgent: true },
  ])
  const asleep = sleeper.worker.processAll()
  await freeze.frozen
  await append(pool, [{ homeId: 'home-a', payload: 'n 2' }])
  await successor.worker.processAll()
  const before = await tallyOf(pool, 'home-a')

  freeze.goOn()
  await asleep
  const after = await tallyOf(pool, 'home-a')
  expect(after.rows).toEqual([0, 1, 2])
  expect(after.version).toBe(before.version)
  expect(await signalCount(pool, 'home-a')).toBe(1)
  expect(sleeper.metrics.anlin_fold_conflicts_total).toBe(1)

  // It goes on with what the other left, not with what it remembers.
  await append(pool, [{ homeId: 'home-a', payload: 'n 3' }])
  await sleeper.worker.processAll()
  expect((await tallyOf(pool, 'home-a')).rows).toEqual([0, 1, 2, 3])
  await Promise.all([sleeper.worker.close(), successor.worker.close()])
})

test('a worker that starts again goes on where the last one was', async () => {
  const { pool } = database
  const first = await startBench(pool)
  await append(pool, [{ homeId: 'home-a', payload: 'n 1' }])
  await first.worker.processAll()
  await first.worker.close()
  await append(pool, [{ homeId: 'home-a', payload: 'n 2' }])
  const second = await startBench(pool)
  await second.worker.processAll()
  expect((await tallyOf(pool, 'home-a')).rows).toEqual([1, 2])
  await second.worker.close()
})

/** A law: however two workers interleave, every home's state is that of one sequential fold. */
test('two workers over any batches leave what one fold in order would', async () => {
  const { pool } = database
  const [one, two] = [await startBench(pool), await startBench(pool)]
  const expected = new Map<string, number[]>()
  let next = 0
  const row = fc.record({ homeId: fc.constantFrom('home-a', 'home-b', 'home-c', 'home-d'), urgent: fc.boolean() })
  const act = fc.oneof(
    fc.record({ act: fc.constant('append' as const), rows: fc.array(row, { minLength: 1, maxLength: 8 }) }),
    fc.record({ act: fc.constantFrom('hint' as const, 'sweep' as const), worker: fc.integer({ min: 0, max: 1 }) }),
  )
  const property = fc.asyncProperty(fc.array(act, { maxLength: 30 }), async (acts) => {
    const going: Promise<void>[] = []
    for (const each of acts) {
      if (each.act === 'append') {
        const rows: TestRow[] = each.rows.map(({ homeId, urgent }) => {
          next += 1
          expected.set(homeId, [...(expected.get(homeId) ?? []), next])
          return { homeId, urgent, payload: `n ${next}` }
        })
        await append(pool, rows)
        continue
      }
      const { worker } = each.worker === 0 ? one : two
      if (each.act === 'sweep') going.push(worker.sweep())
      else for (const homeId of ['home-a', 'home-b', 'home-c']) going.push(worker.onHint(String(shardOf(homeId))))
    }
    await Promise.all([...going, one.worker.processAll(), two.worker.processAll()])
    for (const [homeId, rows] of expected) expect((await tallyOf(pool, homeId)).rows).toEqual(rows)
  })
  await fc.assert(property, { numRuns: 25 })
  const lost = (one.metrics.anlin_fold_conflicts_total ?? 0) + (two.metrics.anlin_fold_conflicts_total ?? 0)
  // Otherwise this says nothing about races.
  expect(lost).toBeGreaterThan(0)
  await Promise.all([one.worker.close(), two.worker.close()])
})
