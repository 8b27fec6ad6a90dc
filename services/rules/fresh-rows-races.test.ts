import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { logHintKey } from '../core/log-hint.ts'
import { shardOf } from '../core/shard.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { startBeside } from './testing/beside.ts'
import { forgetEverything } from './testing/clock.ts'
import { type Bench, signalCount, startBench, tallyOf } from './testing/rules-bench.ts'

/** Commits that fail or lose at the worst moment, while rows are at hand: each of these has once lost an alarm for ever. */

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())
beforeEach(() => forgetEverything(database.pool))

const names = Array.from({ length: 1_000 }, (_, nth) => `home-${nth}`)
const homeId = 'home-a'
const shard = shardOf(homeId)
const neighbour = names.find((name) => shardOf(name) === shard) ?? ''
const elsewhere = names.find((name) => shardOf(name) !== shard) ?? ''
const gate = () => Promise.withResolvers<void>()
const ordinary = (home: string) => logHintKey({ shard: shardOf(home), homeId: null })

function hint({ worker }: Bench, key: string): void {
  worker.onHint(key).catch(() => undefined)
}

/** Swept until it is so, and once more: nothing is lost, and nothing folded twice. */
async function expectBySweeps(benches: Bench[], read: () => Promise<unknown>, expected: unknown): Promise<void> {
  const sweepAndRead = async () => {
    for (const { worker } of benches) await worker.sweep().catch(() => undefined)
    return read()
  }
  await expect.poll(sweepAndRead, { interval: 100, timeout: 15_000 }).toEqual(expected)
  expect(await sweepAndRead()).toEqual(expected)
}

async function toldOf(home: string, pressed = home): Promise<[rows: number[], signals: number]> {
  return [(await tallyOf(database.pool, home)).rows, await signalCount(database.pool, pressed)]
}

test('a home is not taken by a pass that waits for the log while the alarm lane folds it', async () => {
  const [reads, goOn, commits, fails] = [gate(), gate(), gate(), gate()]
  let armed = false
  const bench = await startBeside(database.pool, (inner) => ({
    ...inner,
    async readUnread(asked) {
      if (armed && asked.shards.includes(shardOf(elsewhere))) {
        reads.resolve()
        await goOn.promise
      }
      return inner.readUnread(asked)
    },
    async commit(asked) {
      if (!armed || asked.cursors.length > 0 || !asked.homes.some((home) => home.homeId === homeId))
        return inner.commit(asked)
      armed = false
      commits.resolve()
      await fails.promise
      throw new Error('connection lost')
    },
  }))
  await bench.say({ homeId, payload: 'n 0' })
  await bench.worker.processAll()
  armed = true
  // One pass over a shard at hand and one that nobody has read yet.
  await bench.say({ homeId: elsewhere, payload: 'n 1' }, { homeId, payload: 'n 1' })
  await reads.promise
  await bench.say({ homeId, payload: 'press', urgent: true })
  await Promise.race([commits.promise, sleep(200)])
  goOn.resolve()
  await sleep(100)
  fails.resolve()
  await expectBySweeps([bench], () => signalCount(database.pool, homeId), 1)
  await bench.worker.close()
})

test('where a commit throws, its shards are not at hand any more when its homes are free', async () => {
  const [commits, fails] = [gate(), gate()]
  let armed = false
  const bench = await startBeside(database.pool, (inner) => ({
    ...inner,
    async commit(asked) {
      if (!armed || asked.cursors.length === 0) return inner.commit(asked)
      armed = false
      commits.resolve()
      await fails.promise
      throw new Error('connection lost')
    },
  }))
  await bench.say({ homeId, payload: 'n 0' })
  await bench.worker.processAll()
  armed = true
  await bench.say({ homeId, payload: 'n 1' })
  await commits.promise
  await bench.say({ homeId, payload: 'press', urgent: true })
  await sleep(20)
  fails.resolve()
  await expectBySweeps([bench], () => toldOf(homeId), [[0, 1], 1])
  await bench.worker.close()
})

test('nothing read ahead of a commit that is lost already makes its shard at hand', async () => {
  // The pause after a lost race is a long one.
  vi.spyOn(Math, 'random').mockReturnValue(0.1)
  const [otherCommits, otherGoes, otherDone, lost, looked] = [gate(), gate(), gate(), gate(), gate()]
  let [armed, otherArmed, looks] = [false, false, false]
  const other = await startBench(database.pool, {
    store: (inner) => ({
      ...inner,
      async commit(asked) {
        if (!otherArmed) return inner.commit(asked)
        otherArmed = false
        otherCommits.resolve()
        await otherGoes.promise
        const raised = await inner.commit(asked)
        otherDone.resolve()
        return raised
      },
    }),
  })
  const bench = await startBeside(database.pool, (inner) => ({
    ...inner,
    async readUnread(asked) {
      if (armed) hint(bench, ordinary(homeId))
      return inner.readUnread(asked)
    },
    async readUrgentHomes(asked) {
      const found = await inner.readUrgentHomes(asked)
      looked.resolve()
      if (looks) await lost.promise
      looks = false
      return found
    },
    async commit(asked) {
      if (!armed || !asked.cursors.some((cursor) => cursor.shard === shard)) return inner.commit(asked)
      armed = false
      looks = true
      hint(other, ordinary(homeId))
      await otherCommits.promise
      otherGoes.resolve()
      await otherDone.promise
      const raised = await inner.commit(asked)
      await Promise.race([looked.promise, sleep(500)])
      lost.resolve()
      return raised
    },
  }))
  await bench.say({ homeId, payload: 'n 0' })
  await bench.worker.processAll()
  otherArmed = true
  armed = true
  const many = Array.from({ length: 700 }, (_, n) => ({ homeId: elsewhere, payload: `n ${n}` }))
  await bench.say({ homeId, payload: 'n 1' }, { homeId: neighbour, payload: 'press', urgent: true }, ...many)
  await lost.promise
  await sleep(100)
  await bench.say({ homeId, payload: 'n 2' })
  await expectBySweeps([bench, other], () => toldOf(homeId, neighbour), [[0, 1, 2], 1])
  await Promise.all([bench.worker.close(), other.worker.close()])
  vi.restoreAllMocks()
})
