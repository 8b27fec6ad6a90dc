import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { logHintKey } from '../core/log-hint.ts'
import { shardOf } from '../core/shard.ts'
import { createLogAppend } from '../store/postgres/log-append.ts'
import { freshRowsOf } from '../store/postgres/log-fresh.ts'
import type { Database } from '../store/postgres/pool.ts'
import { losingPool } from '../testing/losing-pool.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { forgetEverything } from './testing/clock.ts'
import { messageOf, startBench, tallyOf } from './testing/rules-bench.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

const RUNS = 40
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
  const log = createLogAppend(
    losing,
    fresh ? { offer: (batch) => fresh.offer(freshRowsOf(batch)), lost: () => fresh.lost() } : null,
  )
  let last: Promise<void> = Promise.resolve()
  async function commit({ rows, lost, hint, sweeps }: Step, first: number): Promise<void> {
    if (lost) faults.push(lost)
    const batch = rows.map((row, nth) => messageOf({ ...row, payload: `n ${first + nth}` }))
    while (
      !(await log.append(batch).then(
        () => true,
        () => false,
      ))
    ) {}
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
      for (const homeId of HOMES) {
        const { rows } = await pool.query<{ payload: string }>(
          "select convert_from(payload, 'UTF8') as payload from observation_log where home_id = $1 order by xid, id",
          [homeId],
        )
        if (rows.length === 0) continue
        expect((await tallyOf(pool, homeId)).rows).toEqual(rows.map(({ payload }) => Number(payload.slice(2))))
      }
    }),
    { numRuns: RUNS },
  )
}, 60_000)
