import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { shardOf } from '../core/shard.ts'
import type { FoldStore } from '../ports.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { append, type Bench, startBench, tallyOf } from './testing/rules-bench.ts'

/** More than the first three passes over one shard take. */
const BACKLOG = Array.from({ length: 4_000 }, (_, n) => n)

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())
beforeEach(async () => {
  await database.pool.query('truncate observation_log, log_cursor, home_state, home_input, incident_input')
  await append(
    database.pool,
    BACKLOG.map((n) => ({ homeId: 'home-a', payload: `n ${n}` })),
  )
})

/**
 * A store whose second commit waits for `end` (before the first has ended urgent homes are looked for, which waits for
 * it); `readOn` tells that the rows after it have been read.
 */
function waitingCommit(): {
  change(inner: FoldStore): FoldStore
  readOn: Promise<void>
  end: PromiseWithResolvers<void>
  commits(): number
} {
  const readOn = Promise.withResolvers<void>()
  const end = Promise.withResolvers<void>()
  let commits = 0
  return {
    readOn: readOn.promise,
    end,
    commits: () => commits,
    change: (inner) => ({
      ...inner,
      async readUnread(asked) {
        const read = await inner.readUnread(asked)
        if (commits > 1) readOn.resolve()
        return read
      },
      async commit(commit) {
        commits += 1
        if (commits === 2) await end.promise
        return inner.commit(commit)
      },
    }),
  }
}

/** Time stands still for it, so that nothing but the backlog is looked at, however slow this machine is. */
function startStill(change: (inner: FoldStore) => FoldStore): Promise<Bench> {
  return startBench(database.pool, { store: change, monotonicMs: () => 0 })
}

/** Resolves when the first round is done; what is full goes on by itself. */
function hint(bench: Bench): Promise<void> {
  return bench.worker.onHint(String(shardOf('home-a')))
}

test('while a backlog is folded, the next rows are read before the commit has ended, and each is folded once', async () => {
  const { pool } = database
  const waiting = waitingCommit()
  const bench = await startStill(waiting.change)
  await hint(bench)
  await waiting.readOn
  expect(waiting.commits()).toBe(2)
  waiting.end.resolve()
  await bench.worker.processAll()
  expect((await tallyOf(pool, 'home-a')).rows).toEqual(BACKLOG)
  expect(bench.metrics.anlin_fold_conflicts_total).toBeUndefined()
  await bench.worker.close()
})

test('whoever loses the race throws away what it folded ahead as well', async () => {
  const { pool } = database
  const waiting = waitingCommit()
  const loser = await startStill(waiting.change)
  const winner = await startBench(pool)
  await hint(loser)
  await waiting.readOn
  await winner.worker.processAll()
  waiting.end.resolve()
  await loser.worker.processAll()
  expect((await tallyOf(pool, 'home-a')).rows).toEqual(BACKLOG)
  // The pass after the lost one was never tried.
  expect(loser.metrics).toMatchObject({ anlin_fold_conflicts_total: 1 })
  expect(waiting.commits()).toBe(2)

  // Nor does it remember any of it.
  await append(pool, [{ homeId: 'home-a', payload: 'n 4000' }])
  await loser.worker.processAll()
  expect((await tallyOf(pool, 'home-a')).rows).toEqual([...BACKLOG, 4_000])
  expect(loser.metrics).toMatchObject({ anlin_fold_conflicts_total: 1 })
  await Promise.all([loser.worker.close(), winner.worker.close()])
})

test('a commit that fails takes what was folded ahead with it; the next sweep goes on', async () => {
  const { pool } = database
  const waiting = waitingCommit()
  const bench = await startStill(waiting.change)
  await hint(bench)
  await waiting.readOn
  waiting.end.reject(new Error('connection lost'))
  // The round in hand fails of it; the one after finds nothing to do.
  await hint(bench)
  expect(waiting.commits()).toBe(2)
  await bench.worker.processAll()
  expect((await tallyOf(pool, 'home-a')).rows).toEqual(BACKLOG)
  expect(bench.metrics.anlin_fold_conflicts_total).toBeUndefined()
  await bench.worker.close()
})

test('an end waits for the commit under way and begins no other', async () => {
  const { pool } = database
  const waiting = waitingCommit()
  const bench = await startStill(waiting.change)
  await hint(bench)
  await waiting.readOn
  const closed = bench.worker.close()
  waiting.end.resolve()
  await closed
  const { rows } = await tallyOf(pool, 'home-a')
  expect(rows).toEqual(BACKLOG.slice(0, rows.length))
  const commits = waiting.commits()
  await hint(bench)
  expect(waiting.commits()).toBe(commits)
})
