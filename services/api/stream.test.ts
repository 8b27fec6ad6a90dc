import http from 'node:http'
import pg from 'pg'
import { afterEach, expect, test, vi } from 'vitest'
import { NOTIFY_CHANGE } from '../store/postgres/changes-announce.ts'
import { MAX_BUFFERED_BYTES } from './stream/connection.ts'
import { type Bench, openBench } from './testing/bench.ts'
import { HOME, OTHER_HOME } from './testing/community.ts'

type Event = { name: string; id: string | null; data: Record<string, unknown> }
/** With nothing heard for so long a page says that it is cut off (dashboards/ui/live-link.ts). */
const SILENCE_MS = 12_000
const WAIT = { timeout: 15_000, interval: 20 }

let bench: Bench
const open: { end(): void }[] = []
afterEach(async () => {
  for (const listener of open.splice(0)) listener.end()
  await bench.close()
})

async function start(): Promise<string> {
  bench = await openBench()
  return (await bench.api.listen({ host: '127.0.0.1', port: 0 })).url
}

/** Listens as a browser does; `events` grows. */
async function listen(url: string, cookie: string, lastEventId?: string) {
  const events: Event[] = []
  const headers = { cookie, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) }
  const request = http.get(`${url}/api/v1/stream`, { headers, agent: false })
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    request.once('error', reject)
  })
  const state = { events, response, ended: false, end: () => void request.destroy() }
  open.push(state)
  let text = ''
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    text += chunk
    const whole = text.split('\n\n')
    text = whole.pop() ?? ''
    events.push(...whole.map(readEvent))
  })
  response.on('close', () => {
    state.ended = true
  })
  request.on('error', () => undefined)
  return state
}

function readEvent(block: string): Event {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null
  return { name: field('event') ?? '', id: field('id'), data: JSON.parse(field('data') ?? '{}') }
}

const named = (events: Event[], name: string) => events.filter((event) => event.name === name)

test('a press reaches those whose home it is, once, with the heartbeat first and nothing to strangers', async () => {
  const url = await start()
  const worker = await listen(url, await bench.signIn('worker'))
  const family = await listen(url, await bench.signIn('family'))
  const stranger = await listen(url, await bench.signIn('other-family'))
  const installer = await listen(url, await bench.signIn('installer'))
  expect(worker.response.headers['content-type']).toBe('text/event-stream; charset=utf-8')
  expect(worker.response.headers['content-security-policy']).toBeDefined()
  const incidentId = await bench.raise(HOME)
  const otherId = await bench.raise(OTHER_HOME)
  await vi.waitFor(() => expect(named(stranger.events, 'incident')).toHaveLength(1), WAIT)
  await vi.waitFor(() => expect(named(family.events, 'incident')).toHaveLength(1), WAIT)
  expect(worker.events[0]).toMatchObject({ name: 'heartbeat', data: { now: expect.any(String) } })
  const [event] = named(worker.events, 'incident')
  expect(event).toMatchObject({ id: expect.stringMatching(/^\d+-\d+$/), data: { id: incidentId, status: 'open' } })
  expect(event?.data).toHaveProperty('told')
  expect(event?.data).not.toHaveProperty('timeline')
  expect(named(stranger.events, 'incident')).toMatchObject([{ data: { id: otherId } }])
  expect(named(worker.events, 'incident')).toHaveLength(1)
  expect(named(installer.events, 'incident')).toHaveLength(0)
  expect(await bench.audit('incident.streamed')).toMatchObject([
    { subject: incidentId, detail: { to: expect.arrayContaining(['id-worker', 'id-family']) } },
    { subject: otherId, detail: { to: ['id-other-family'] } },
  ])
  // Heard again without anything happening: 5 s later.
  await vi.waitFor(() => expect(named(worker.events, 'heartbeat').length).toBeGreaterThan(1), WAIT)
})

test('nothing is heard while the changes cannot be read, so that the pages call themselves old', async () => {
  const url = await start()
  const worker = await listen(url, await bench.signIn('worker'))
  await vi.waitFor(() => expect(named(worker.events, 'heartbeat').length).toBeGreaterThan(0), WAIT)
  const lock = new pg.Client({ connectionString: bench.databaseUrl })
  await lock.connect()
  await lock.query('begin; lock table change in access exclusive mode')
  let heard = named(worker.events, 'heartbeat').length
  let heardAt = performance.now()
  const silence = () => {
    const now = named(worker.events, 'heartbeat').length
    if (now > heard) heardAt = performance.now()
    heard = now
    return performance.now() - heardAt
  }
  await vi.waitFor(() => expect(silence()).toBeGreaterThan(SILENCE_MS), { timeout: 22_000, interval: 20 })
  const late = await listen(url, await bench.signIn('family'))
  expect(late.events).toEqual([])
  await lock.end()
  await vi.waitFor(() => expect(named(late.events, 'heartbeat').length).toBeGreaterThan(0), WAIT)
}, 60_000)

test('who comes back goes on where it was; who was away too long reads anew', async () => {
  const url = await start()
  const cookie = await bench.signIn('worker')
  const first = await listen(url, cookie)
  await bench.raise(HOME)
  await vi.waitFor(() => expect(named(first.events, 'incident')).toHaveLength(1), WAIT)
  first.end()
  const lastEventId = named(first.events, 'incident')[0]?.id ?? ''
  const watching = await listen(url, await bench.signIn('admin'))
  const smokeId = await bench.raise(HOME, { kind: 'smoke' })
  await bench.raise(OTHER_HOME)
  await vi.waitFor(() => expect(named(watching.events, 'incident')).toHaveLength(2), WAIT)

  const back = await listen(url, cookie, lastEventId)
  await vi.waitFor(() => expect(named(back.events, 'incident')).toMatchObject([{ data: { id: smokeId } }]), WAIT)
  expect(named(back.events, 'reset')).toHaveLength(0)
  const lost = await listen(url, cookie, '1-1')
  await vi.waitFor(() => expect(named(lost.events, 'reset')).toHaveLength(1), WAIT)
})

test('homes and devices are hints to look again', async () => {
  const url = await start()
  const worker = await listen(url, await bench.signIn('worker'))
  const admin = await bench.signIn('admin')
  await bench.ask(admin, 'PATCH', `/api/v1/homes/${HOME}`, { notes: 'The key is with the neighbour' })
  await bench.ask(admin, 'POST', `/api/v1/homes/${HOME}/devices/sos-bath/revoke`)
  await vi.waitFor(() => expect(named(worker.events, 'device')).toHaveLength(1), WAIT)
  expect(named(worker.events, 'home')).toMatchObject([{ data: { homeId: HOME } }])
  expect(named(worker.events, 'device')).toMatchObject([{ data: { homeId: HOME, deviceId: 'sos-bath' } }])
})

test('a home that is given while a page listens is told of at once, and taken away as well', async () => {
  const url = await start()
  const worker = await listen(url, await bench.signIn('worker'))
  const bystander = await listen(url, await bench.signIn('family'))
  const admin = await bench.signIn('admin')
  const give = (gridCells: string[]) => bench.ask(admin, 'PATCH', '/api/v1/users/id-worker', { gridCells })
  await give(['cell-1', 'cell-2'])
  await vi.waitFor(() => expect(named(worker.events, 'reset')).toHaveLength(1), WAIT)
  const pressed = await bench.raise(OTHER_HOME)
  await vi.waitFor(() => expect(named(worker.events, 'incident')).toMatchObject([{ data: { id: pressed } }]), WAIT)

  await bench.ask(admin, 'POST', '/api/v1/homes', { id: 'home-003', label: 'New', gridCellId: 'cell-1' })
  await vi.waitFor(() => expect(named(worker.events, 'reset')).toHaveLength(2), WAIT)
  await give(['cell-1'])
  await vi.waitFor(() => expect(named(worker.events, 'reset')).toHaveLength(3), WAIT)
  await bench.raise(OTHER_HOME, { kind: 'smoke' })
  const last = await bench.raise(HOME)
  await vi.waitFor(() => expect(named(worker.events, 'incident').at(-1)?.data).toMatchObject({ id: last }), WAIT)
  expect(named(worker.events, 'incident')).toHaveLength(2)
  // Whose homes stayed the same has nothing to read anew; nobody hears of users.
  expect(bystander.events.filter(({ name }) => name === 'reset' || name === 'home')).toEqual([])
})

test('a stream ends with its session, and no session has more than eight', async () => {
  const url = await start()
  const cookie = await bench.signIn('worker')
  const streams = await Promise.all(Array.from({ length: 8 }, () => listen(url, cookie)))
  const ninth = await listen(url, cookie)
  expect(ninth.response.statusCode).toBe(429)
  const other = await listen(url, await bench.signIn('worker'))
  await bench.ask(cookie, 'DELETE', '/api/v1/session')
  await vi.waitFor(() => expect(streams.every((stream) => stream.ended)).toBe(true), WAIT)
  expect(other.ended).toBe(false)
  expect((await listen(url, cookie)).response.statusCode).toBe(401)
})

test('of many that are asked for in one moment no more than eight open', async () => {
  const url = await start()
  const cookie = await bench.signIn('worker')
  const { visibleIds } = bench.store.homes
  const all = Promise.withResolvers<void>()
  let asked = 0
  bench.store.homes.visibleIds = async (scope) => {
    asked += 1
    if (asked === 12) all.resolve()
    await all.promise
    return visibleIds(scope)
  }
  const streams = await Promise.all(Array.from({ length: 12 }, () => listen(url, cookie)))
  expect(streams.filter(({ response }) => response.statusCode === 200)).toHaveLength(8)
})

test('a reader that takes nothing is dropped, and the others hear on', async () => {
  const url = await start()
  const slow = await listen(url, await bench.signIn('coordinator'))
  slow.response.pause()
  const worker = await listen(url, await bench.signIn('worker'))
  // Each change is an incident with a label as long as the buffer is deep.
  const incidentId = await bench.raise(HOME)
  await bench.pool.query('update home set label = $1 where home_id = $2', ['x'.repeat(MAX_BUFFERED_BYTES / 2), HOME])
  for (let times = 0; times < 40; times += 1) {
    const before = named(worker.events, 'incident').length
    await bench.pool.query("insert into change (kind, home_id, ref) values ('incident', $1, $2)", [HOME, incidentId])
    await bench.pool.query(NOTIFY_CHANGE)
    await vi.waitFor(() => expect(named(worker.events, 'incident').length).toBeGreaterThan(before), WAIT)
    if ((await bench.metricsText()).includes('anlin_streams_ended_total{reason="slow-reader"} 1')) break
  }
  expect(await bench.metricsText()).toContain('anlin_streams_ended_total{reason="slow-reader"} 1')
  expect(worker.ended).toBe(false)
})
