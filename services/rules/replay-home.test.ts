import { afterAll, beforeAll, expect, test } from 'vitest'
import { shardOf } from '../core/shard.ts'
import type { ReplayEvent, ReplayStart } from '../ports.ts'
import { openReplay, replayFromBirth } from '../store/postgres/log-read-replay.ts'
import { runLogUpkeep } from '../store/postgres/log-upkeep.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { openHomeReplay } from './replay-home.ts'
import { countingFold, type Tally } from './testing/counting-fold.ts'
import { append, placeHome, startBench, tallyOf } from './testing/rules-bench.ts'

const HOME = 'home-a'
const TODAY = new Date().toISOString().slice(0, 10)

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

async function replayed(
  start: ReplayStart | null,
  events: AsyncIterable<ReplayEvent>,
): Promise<{ state: Tally; signals: number }> {
  const replay = openHomeReplay(countingFold, start)
  let signals = 0
  for await (const event of events) signals += replay.take(event)?.signals.length ?? 0
  return { state: replay.state(), signals }
}

async function live(payloads: string[]): Promise<void> {
  const bench = await startBench(database.pool)
  for (const payload of payloads) {
    await append(database.pool, [{ homeId: HOME, payload, ...(payload === 'press' ? { urgent: true } : {}) }])
    await bench.worker.onHint(String(shardOf(HOME)))
  }
  await bench.worker.processAll()
  await bench.worker.close()
}

test("a home's record replayed, from its birth or from a day's start, gives the same state and the same signals", async () => {
  const { pool } = database
  await placeHome(pool, HOME)
  await live(['n 1', 'press', `wake ${Date.now() - 5}`, 'poison', 'n 2'])
  await runLogUpkeep(pool)
  const signalsBefore = await pool.query<{ n: number }>('select count(*)::int as n from incident_input')

  await pool.query("update home set test_mode_until = now() where home_id = 'home-a'")
  await live(['unreadable', 'n 3', `wake ${Date.now() + 20}`, 'press', 'n 4'])
  await expect.poll(async () => (await tallyOf(pool, HOME)).rows).toEqual([1, 2, 3, 4])
  await expect
    .poll(async () => {
      await live([])
      return (await tallyOf(pool, HOME)).fired.length
    })
    .toBe(2)
  await live(['n 5'])
  const { version: _version, ...now } = await tallyOf(pool, HOME)
  const signals = await pool.query<{ n: number }>('select count(*)::int as n from incident_input')

  const whole = await replayed(null, replayFromBirth(pool, HOME, TODAY))
  expect(whole).toEqual({ state: now, signals: signals.rows[0]?.n })

  const opened = await openReplay(pool, HOME, TODAY)
  if (!opened) throw new Error('no snapshot')
  expect((opened.start.state as Tally).rows).toEqual([1, 2])
  const rest = await replayed(opened.start, opened.events)
  expect(rest).toEqual({ state: now, signals: (signals.rows[0]?.n ?? 0) - (signalsBefore.rows[0]?.n ?? 0) })
})
