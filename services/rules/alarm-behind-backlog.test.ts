import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { shardOf } from '../core/shard.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { MAX_ROWS_PER_PASS } from './pace.ts'
import { startBeside } from './testing/beside.ts'
import { signalCount, tallyOf } from './testing/rules-bench.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

/** Homes of one shard. */
function neighbours(count: number): string[] {
  const names = Array.from({ length: 2_000 }, (_, nth) => `neighbour-${nth}`)
  return names.filter((name) => shardOf(name) === shardOf('neighbour-0')).slice(0, count)
}

/** The clock stands while the backlog comes: a commit that hangs looks as if the shard had been quiet for `afterMs`. */
test.each([0, 1_000])(
  'an alarm of a home that has rows in every pass of a backlog waits for the commit under way, not for the backlog (%i ms on)',
  async (afterMs) => {
    const { pool } = database
    const homes = afterMs === 0 ? neighbours(7).slice(2) : neighbours(12).slice(7)
    expect(homes.length).toBeGreaterThan(1)
    const pressed = homes[0] ?? ''
    let commits = 0
    let goesOnAtMs: number | null = null
    let unreadAtAlarm: number | null = null
    const goOn = Promise.withResolvers<void>()
    async function countUnread(): Promise<number> {
      const { rows: left } = await pool.query<{ unread: number }>(
        `select count(*)::int as unread from observation_log l join log_cursor c on c.shard = l.shard
       where l.shard = $1 and (l.xid, l.id) > (c.xid, c.id)`,
        [shardOf(pressed)],
      )
      return left[0]?.unread ?? 0
    }
    const bench = await startBeside(
      pool,
      (inner) => ({
        ...inner,
        async commit(asked) {
          commits += 1
          if (commits === 1) await goOn.promise
          await sleep(20)
          // Counted where it is committed: a look afterwards is later on a slow machine.
          if (asked.signals.some(({ homeId }) => homeId === pressed)) unreadAtAlarm ??= await countUnread()
          return inner.commit(asked)
        },
      }),
      () => (goesOnAtMs === null ? 0 : afterMs + performance.now() - goesOnAtMs),
    )
    // One pass commits and one is folded ahead of it, with that home's rows in both: for these the alarm has to wait.
    const inHand = 2 * MAX_ROWS_PER_PASS
    const rows = Array.from({ length: inHand + 4_000 }, (_, n) => ({
      homeId: homes[n % homes.length] ?? '',
      payload: `n ${n}`,
    }))
    await bench.worker.sweep()
    for (let first = 0; first < rows.length; first += 1_000) await bench.say(...rows.slice(first, first + 1_000))
    await bench.say({ homeId: pressed, payload: 'press', urgent: true })
    goesOnAtMs = performance.now()
    goOn.resolve()
    await expect.poll(() => signalCount(pool, pressed), { interval: 5, timeout: 10_000 }).toBe(1)
    expect(unreadAtAlarm).toBeGreaterThan(rows.length - inHand)
    await bench.worker.processAll()
    expect((await tallyOf(pool, pressed)).rows).toEqual(
      rows.flatMap(({ homeId }, n) => (homeId === pressed ? [n] : [])),
    )
    expect(await signalCount(pool, pressed)).toBe(1)
    expect(bench.metrics.anlin_fold_conflicts_total).toBeUndefined()
    await bench.worker.close()
  },
)
