import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { logHintKey } from '../core/log-hint.ts'
import { shardOf } from '../core/shard.ts'
import type { FoldStore } from '../ports.ts'
import { createLogAppend } from '../store/postgres/log-append.ts'
import { freshSinkOf } from '../store/postgres/log-fresh.ts'
import type { Database } from '../store/postgres/pool.ts'
import { losingPool } from '../testing/losing-pool.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { startBeside } from './testing/beside.ts'
import { forgetEverything } from './testing/clock.ts'
import { type Bench, messageOf, startBench, tallyOf } from './testing/rules-bench.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

const RUNS = { takeovers: 50, failures: 30 }
const HOMES = ['home-a', 'home-b', 'home-c']
const homeId = fc.constantFrom(...HOMES)
/** `lost`: ingest hears of no answer, be it that the batch was stored or not, and tries again. */
const step = fc.record({
  process: fc.constantFrom('one', 'other', 'one', 'apart'),
  rows: fc.array(fc.record({ homeId, urgent: fc.boolean() }), { minLength: 1, maxLength: 4 }),
  lost: fc.constantFrom(null, null, null, 'attempt', 'answer'),
  hint: fc.constantFrom('ordinary', 'alarm', null),
  sweeps: fc.boolean(),
  waits: fc.boolean(),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** An ingest, and the rules beside it where `hasRules`. Batches follow one another, as the group commit has it. */
async function startProcess(pool: Database, hasRules: boolean) {
  const bench = hasRules ? await startBench(pool) : null
  const faults: ('attempt' | 'answer')[] = []
  const losing = losingPool(pool, async (send) => {
    const fault = faults.pop()
    if (fault === 'attempt') throw new Error('not sent')
    const answer = await send()
    if (fault === 'answer') throw new Error('no answer')
    return answer
  })
  const fresh = bench?.worker.fresh
  const log = createLogAppend(losing, fresh ? freshSinkOf(fresh) : null)
  let last: Promise<void> = Promise.resolve()
  async function commit({ rows, lost, hint, sweeps }: Step, first: number): Promise<void> {
    if (lost) faults.push(lost)
    const batch = rows.map((row, nth) => messageOf({ ...row, payload: `n ${first + nth}` }))
    // One try is lost at most.
    await log.append(batch).catch(() => log.append(batch))
    const [row] = rows
    if (!bench || !row) return
    const key = logHintKey({ shard: shardOf(row.homeId), homeId: hint === 'alarm' ? row.homeId : null })
    if (hint) void bench.worker.onHint(key).catch(() => undefined)
    if (sweeps) void bench.worker.sweep().catch(() => undefined)
  }
  return {
    worker: bench?.worker ?? null,
    say(step: Step, first: number): Promise<void> {
      last = last.then(() => commit(step, first))
      return last
    },
    settled: () => last,
  }
}

async function expectFolded(pool: Database, homes: readonly string[]): Promise<void> {
  for (const homeId of homes) {
    const { rows } = await pool.query<{ payload: string }>(
      "select convert_from(payload, 'UTF8') as payload from observation_log where home_id = $1 order by xid, id",
      [homeId],
    )
    if (rows.length === 0) continue
    expect((await tallyOf(pool, homeId)).rows).toEqual(rows.map(({ payload }) => Number(payload.slice(2))))
  }
}

test('whoever writes, takes over and loses answers: each home is folded row by row as the log has it, none twice or left out', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const { pool } = database
      await forgetEverything(pool)
      await pool.query('update log_writer set sole = null')
      const [one, other, apart] = [
        await startProcess(pool, true),
        await startProcess(pool, true),
        await startProcess(pool, false),
      ]
      const processes = { one, other, apart }
      for (const [nth, step] of steps.entries()) {
        const said = processes[step.process].say(step, nth * 10)
        if (step.waits) await said
      }
      await Promise.all([one.settled(), other.settled(), apart.settled()])
      for (let round = 0; round < 3; round++) {
        await one.worker?.processAll()
        await other.worker?.processAll()
      }
      await Promise.all([one.worker?.close(), other.worker?.close()])
      await expectFolded(pool, HOMES)
    }),
    { numRuns: RUNS.takeovers },
  )
}, 90_000)

/** Six homes in two shards. */
const CROWD = Array.from({ length: 1_000 }, (_, nth) => `crowd-${nth}`)
  .filter((name) => shardOf(name) === shardOf('crowd-0') || shardOf(name) === shardOf('crowd-1'))
  .slice(0, 6)
/** `before` and `after`: a commit of the worker beside ingest fails, and nothing or everything of it was stored. */
const stir = fc.record({
  rows: fc.array(fc.record({ homeId: fc.constantFrom(...CROWD), urgent: fc.boolean() }), {
    minLength: 1,
    maxLength: 4,
  }),
  ordinary: fc.boolean(),
  alarm: fc.boolean(),
  sweeps: fc.constantFrom(null, null, null, 'beside', 'apart'),
  hearsApart: fc.boolean(),
  fault: fc.constantFrom(null, null, null, null, 'before', 'after', 'slow', 'slow'),
  slowRead: fc.boolean(),
  waitMs: fc.constantFrom(0, 0, 1, 5, 20),
})
type Stir = typeof stir extends fc.Arbitrary<infer T> ? T : never

function stirring() {
  const faults: NonNullable<Stir['fault']>[] = []
  const slow = { reads: 0 }
  const store = (inner: FoldStore): FoldStore => ({
    ...inner,
    async readUnread(asked) {
      if (slow.reads > 0) {
        slow.reads -= 1
        await sleep(4)
      }
      return inner.readUnread(asked)
    },
    async commit(asked) {
      const fault = faults.shift()
      if (fault) await sleep(fault === 'slow' ? 6 : 3)
      if (fault === 'before') throw new Error('planted')
      const raised = await inner.commit(asked)
      if (fault === 'after') throw new Error('planted')
      return raised
    },
  })
  return { faults, slow, store }
}

function hintAll({ rows, ordinary, alarm, hearsApart }: Stir, beside: Bench, apart: Bench | null): void {
  for (const { worker } of [beside, ...(apart && hearsApart ? [apart] : [])]) {
    for (const { homeId, urgent } of rows) {
      const shard = shardOf(homeId)
      if (ordinary) worker.onHint(logHintKey({ shard, homeId: null })).catch(() => undefined)
      if (alarm && urgent) worker.onHint(logHintKey({ shard, homeId })).catch(() => undefined)
    }
  }
}

test('whatever commits fail, lose or last, beside another worker or not: each home is folded as the log has it', async () => {
  let [atHand, folded] = [0, 0]
  await fc.assert(
    fc.asyncProperty(fc.array(stir, { minLength: 5, maxLength: 30 }), fc.boolean(), async (steps, hasOther) => {
      const { pool } = database
      await forgetEverything(pool)
      const { faults, slow, store } = stirring()
      const beside = await startBeside(pool, store)
      const apart = hasOther ? await startBench(pool) : null
      let next = 0
      const say = (rows: { homeId: string; urgent?: boolean }[]) =>
        beside.say(...rows.map((row) => ({ ...row, payload: `n ${next++}` })))
      await say(CROWD.map((homeId) => ({ homeId })))
      await beside.worker.processAll()
      for (const step of steps) {
        if (step.fault) faults.push(step.fault)
        if (step.slowRead) slow.reads += 1
        await say(step.rows)
        hintAll(step, beside, apart)
        const sweeping = step.sweeps === 'beside' ? beside : apart
        if (step.sweeps) sweeping?.worker.sweep().catch(() => undefined)
        await sleep(step.waitMs)
      }
      faults.length = 0
      for (let round = 0; round < 4; round++) {
        await beside.worker.processAll().catch(() => undefined)
        await apart?.worker.processAll().catch(() => undefined)
      }
      atHand += beside.metrics.anlin_rows_at_hand_total ?? 0
      folded += beside.metrics.anlin_rows_folded_total ?? 0
      await Promise.all([beside.worker.close(), apart?.worker.close()])
      await expectFolded(pool, CROWD)
    }),
    { numRuns: RUNS.failures },
  )
  expect(atHand / folded).toBeGreaterThan(0.1)
}, 90_000)
