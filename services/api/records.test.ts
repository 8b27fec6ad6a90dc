import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { shardOf } from '../core/shard.ts'
import { createPostgresHistory } from '../store/postgres/history.ts'
import { createLogAppend } from '../store/postgres/log-append.ts'
import { logPartitionName } from '../store/postgres/log-partitions.ts'
import { packDay } from '../store/postgres/log-upkeep-pack.ts'
import { type Bench, openBench } from './testing/bench.ts'
import { HOME } from './testing/community.ts'

let bench: Bench
let worker: string
beforeAll(async () => {
  bench = await openBench()
  worker = await bench.signIn('worker')
})
afterAll(() => bench.close())

const OBSERVATIONS = `/api/v1/homes/${HOME}/observations`
const HISTORY = `/api/v1/homes/${HOME}/history`

test('what was stored is shown in order, text or not, and what nobody could read with its reason', async () => {
  const message = {
    shard: shardOf(HOME),
    lane: 1,
    homeId: HOME,
    account: `${HOME}.sos-bath`,
    flags: 1,
    packetId: 7,
    topic: `care/v1/${HOME}/sos-bath/telemetry`,
    rejected: null,
  } as const
  await createLogAppend(bench.pool).append([
    { ...message, payload: Buffer.from('{"id":"1","batteryPercent":88}') },
    { ...message, payload: Buffer.of(0xff, 0xfe), flags: 1 | 4 | 8 },
    { ...message, payload: Buffer.from('x'), rejected: 'too-large' },
  ])
  // The rules say of the second that they cannot read it.
  await bench.pool.query(
    `insert into log_rejection (home_id, xid, id, received_at, code)
     select home_id, xid, id, received_at, 'not-json' from observation_log where flags & 4 = 4`,
  )
  // A transaction of another test may hide the newest rows for a moment.
  const first = await vi.waitFor(async () => {
    const seen = await bench.ask(worker, 'GET', `${OBSERVATIONS}?limit=2`)
    expect(seen.body.nextCursor).not.toBeNull()
    return seen
  }, 10_000)
  expect(first.body.items).toMatchObject([
    {
      payload: '{"id":"1","batteryPercent":88}',
      payloadBase64: null,
      qos: 1,
      dup: false,
      retain: false,
      rejected: null,
    },
    { payload: null, payloadBase64: '//4=', qos: 1, dup: true, retain: true, rejected: 'not-json' },
  ])
  const next = await bench.ask(worker, 'GET', `${OBSERVATIONS}?limit=2&cursor=${first.body.nextCursor}`)
  expect(next.body).toMatchObject({ items: [{ payload: 'x', rejected: 'too-large' }], nextCursor: null })
  const entries = await bench.audit('observations.read')
  expect(entries.slice(-2)).toMatchObject([
    { actor: 'user:id-worker', home_id: HOME },
    { actor: 'user:id-worker', home_id: HOME },
  ])
})

test('a packed day is shown like any other, and to the same people', async () => {
  const day = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10)
  const table = logPartitionName(day)
  await bench.pool.query(
    `create table ${table} partition of observation_log for values from ('${day}') to (date '${day}' + 1)`,
  )
  await bench.pool.query(
    `insert into observation_log (received_at, shard, lane, home_id, account, flags, topic, payload)
     select $1::timestamptz + interval '1 minute' * n, $2, 1, $3, 'account', 1, 'topic', convert_to(n::text, 'UTF8')
     from generate_series(1, 3) n`,
    [`${day}T00:00:00Z`, shardOf(HOME), HOME],
  )
  await packDay(bench.pool, day)
  await bench.pool.query(`drop table ${table}`)
  const asked = `${OBSERVATIONS}?from=${day}T00:01:30Z&to=${day}T12:00:00Z`
  const seen = await bench.ask(worker, 'GET', `${asked}&limit=1`)
  const next = await bench.ask(worker, 'GET', `${asked}&limit=1&cursor=${seen.body.nextCursor}`)
  expect([seen.body.items, next.body.items]).toMatchObject([[{ payload: '2' }], [{ payload: '3' }]])
  expect(next.body.nextCursor).toBeNull()
  const stranger = await bench.signIn('other-family')
  expect((await bench.ask(stranger, 'GET', asked)).status).toBe(404)
})

test.each([
  ['a cursor that nobody gave out', 'cursor=9999-99-99_1_1'],
  ['a day that no calendar has', 'to=9999-12-31T23:59:59-23:59&from=9999-12-31T23:00:00-23:59'],
  ['a leap second', 'to=2026-06-30T23:59:60Z'],
])('%s is answered without a fault of ours', async (_what, query) => {
  expect((await bench.ask(worker, 'GET', `${OBSERVATIONS}?${query}`)).status).toBeLessThan(500)
  expect((await bench.ask(worker, 'GET', '/api/v1/homes?cursor=%00')).status).toBe(400)
})

test('at most seven days of it at once, and forwards', async () => {
  const week = `from=2026-01-01T00:00:00Z&to=2026-01-09T00:00:00Z`
  expect((await bench.ask(worker, 'GET', `${OBSERVATIONS}?${week}`)).body).toMatchObject({
    code: 'invalid-field',
    field: 'from',
  })
  const back = `from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z`
  expect((await bench.ask(worker, 'GET', `${OBSERVATIONS}?${back}`)).body).toMatchObject({ field: 'from' })
})

test('what was measured is given as it is or by window, with how far behind the history is', async () => {
  const startMs = Date.parse('2026-11-20T00:00:00+08:00')
  const point = { homeId: HOME, deviceId: 'sos-bath', deviceKind: 'sos-button', sequence: 0 } as const
  await createPostgresHistory(bench.pool).append(
    [80, 82, 90].map((batteryPercent, index) => ({
      ...point,
      atMs: startMs + index * 1_800_000,
      values: { batteryPercent },
    })),
  )
  const asked = `deviceId=sos-bath&field=batteryPercent&from=2026-11-20T00:00:00%2B08:00&to=2026-11-21T00:00:00%2B08:00`
  const raw = await bench.ask(worker, 'GET', `${HISTORY}?${asked}`)
  expect(raw.body).toMatchObject({ nextCursor: null, behindMs: expect.any(Number) })
  expect(raw.body.items.map(({ value }: { value: number }) => value)).toEqual([80, 82, 90])
  const hourly = await bench.ask(worker, 'GET', `${HISTORY}?${asked}&window=hour&aggregate=mean`)
  expect(hourly.body.items).toEqual([
    { at: '2026-11-19T16:00:00.000Z', value: 81 },
    { at: '2026-11-19T17:00:00.000Z', value: 90 },
  ])
  for (const [wrong, field] of [
    ['field=pulse', 'field'],
    ['window=week', 'window'],
    ['tz=Mars/Olympus', 'tz'],
  ]) {
    const query = new URLSearchParams(asked)
    for (const [name, value] of new URLSearchParams(wrong)) query.set(name, value)
    expect((await bench.ask(worker, 'GET', `${HISTORY}?${query}`)).body).toMatchObject({ code: 'invalid-field', field })
  }
  expect((await bench.ask(worker, 'GET', `${HISTORY}?${asked.replace('sos-bath', 'nothing')}`)).status).toBe(404)
  expect((await bench.audit('history.read')).length).toBe(2)
})

test('a history that is away is an honest 503', async () => {
  const away = await openBench({ history: { read: () => Promise.reject(new Error('connect ECONNREFUSED')) } })
  const cookie = await away.signIn('worker')
  const asked = 'deviceId=sos-bath&field=batteryPercent&from=2026-11-20T00:00:00Z&to=2026-11-21T00:00:00Z'
  const answer = await away.ask(cookie, 'GET', `${HISTORY}?${asked}`)
  await away.close()
  expect(answer.body).toMatchObject({ status: 503, code: 'history-away' })
})
