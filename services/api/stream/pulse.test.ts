import { afterEach, beforeEach, expect, test } from 'vitest'
import { readUnfolded } from '../../store/postgres/unfolded.ts'
import { type Bench, openBench } from '../testing/bench.ts'
import { HOME } from '../testing/community.ts'
import { createPulse } from './pulse.ts'

/** The bench has neither rules nor a sweep of the escalation: what is written and not hinted waits for ever. */

let bench: Bench
let warned: object[] = []
beforeEach(async () => {
  bench = await openBench()
  warned = []
})
afterEach(() => bench.close())

const log = { info() {}, error() {}, debug() {}, warn: (facts: object) => void warned.push(facts) }

/** @param change how old the pages' own changes are */
async function isCurrent(change = 0): Promise<boolean> {
  const changes = { subscribe: () => () => {}, ageMs: () => change, close: async () => {} }
  const pulse = createPulse({ changes, unfoldedMs: readUnfolded(bench.pool), log })
  await pulse.look()
  return pulse.isCurrent()
}

const store = (seconds: number, lane = 0) =>
  bench.pool.query(
    `insert into observation_log (received_at, shard, lane, home_id, account, flags, topic, payload)
     values (clock_timestamp() - $1::float8 * interval '1 second', 1, $3, $2, 'a', 1, 'care/v1/x', '')`,
    [seconds, HOME, lane],
  )
const signal = (seconds: number, kind: string) =>
  bench.pool.query(
    `insert into incident_input (home_id, body, created_at)
     values ($1, $2, platform_now() - $3::float8 * interval '1 second')`,
    [
      HOME,
      { type: 'SignalReceived', signal: { kind, severity: kind === 'technical' ? 'technical' : 'critical' } },
      seconds,
    ],
  )

test('what the pages show is current while what is to be done of alarms is done within 10 s', async () => {
  expect(await isCurrent()).toBe(true)
  expect(await isCurrent(6_000)).toBe(false)
  await signal(5, 'sos')
  expect(await isCurrent()).toBe(true)
  await signal(3_600, 'technical')
  expect(await isCurrent()).toBe(true)
  await signal(11, 'sos')
  expect(await isCurrent()).toBe(false)
  expect(warned).toEqual([{ unfoldedMs: expect.any(Number) }])
})

test('nor is it where the rules have left an alarm unread for 10 s, never began, or nobody knows; readings may wait', async () => {
  await store(1)
  expect(await isCurrent()).toBe(false)
  await bench.pool.query("insert into log_cursor (reader, shard) values ('rules', 1)")
  expect(await isCurrent()).toBe(true)
  await store(60, 1)
  expect(await isCurrent()).toBe(true)
  await bench.pool.query('truncate observation_log')
  await store(11)
  expect(await isCurrent()).toBe(false)
  await bench.pool.query('truncate observation_log')
  expect(await isCurrent()).toBe(true)
  await bench.pool.query('alter table incident_input rename to incident_input_away')
  expect(await isCurrent()).toBe(false)
})
