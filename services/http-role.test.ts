import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { HOME, PASSWORD, settleCommunity } from './api/testing/community.ts'
import { createSealing } from './store/sealing.ts'
import { createTestDatabase, type TestDatabase } from './testing/postgres.ts'

/** The API in a process of its own, as an operator starts it. */

const DATA_KEY = 'd'.repeat(64)
/** More than all connections that a process has for its pages. */
const QUESTIONS = 12
/** Far less than the statement of a waiting question may take, far more than an answer does. */
const AT_ONCE_MS = 2_000

let database: TestDatabase
let child: ChildProcess
let url = ''
beforeAll(async () => {
  database = await createTestDatabase()
  await settleCommunity(database.pool, createSealing(DATA_KEY))
  const port = await freePort()
  url = `http://127.0.0.1:${port}/api/v1`
  child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'api', 'escalation'], {
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH ?? '',
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '',
      ANLIN_DATA: join(import.meta.dirname, 'not-there'),
      DATABASE_URL: database.url,
      DATA_KEY,
      SESSION_KEY: 's'.repeat(64),
      HTTP_PORT: String(port),
      TWILIO_ACCOUNT_SID: `AC${'1'.repeat(32)}`,
      TWILIO_AUTH_TOKEN: 'test',
      TWILIO_FROM: '+15005550006',
      TWILIO_API_URL: 'http://127.0.0.1:9',
    },
  })
  const isUp = () =>
    fetch(`http://127.0.0.1:${port}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    )
  await vi.waitUntil(isUp, { timeout: 30_000 })
}, 40_000)
afterAll(async () => {
  child.kill('SIGTERM')
  if (child.exitCode === null) await once(child, 'exit')
  await database.close()
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address ? address.port : 0
}

async function signIn(): Promise<Record<string, string>> {
  const answer = await fetch(`${url}/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ login: 'worker', password: PASSWORD }),
  })
  const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  return { cookie, 'x-anlin-csrf': '1', 'content-type': 'application/json' }
}

/** A press, as the rules would signal it; the escalation's next sweep opens it. */
async function raise(headers: Record<string, string>): Promise<string> {
  const at = Date.now()
  const device = { deviceId: 'sos-bath', deviceKind: 'sos-button', room: null }
  const why = { code: 'sos-pressed', values: { presses: 1 } }
  const what = { type: 'ConditionRaised', kind: 'sos', subject: '', severity: 'critical', why, test: false }
  const signal = { ...what, ...device, at, receivedAt: at }
  const values = [HOME, { type: 'SignalReceived', signal }]
  await database.pool.query('insert into incident_input (home_id, body) values ($1, $2)', values)
  const open = async () => {
    const answer = await fetch(`${url}/incidents`, { headers })
    const list = (await answer.json()) as { items: { id: string }[] }
    return list.items[0]?.id ?? ''
  }
  await expect.poll(open, { timeout: 10_000 }).not.toBe('')
  return open()
}

test('whoever takes an incident waits for nobody who asks for a year of readings', async () => {
  const headers = await signIn()
  const incidentId = await raise(headers)
  const locking = new pg.Client({ connectionString: database.url })
  await locking.connect()
  await locking.query('begin; lock table reading in access exclusive mode')
  const year = 'from=2026-01-01T00:00:00Z&to=2026-12-01T00:00:00Z&window=day&field=heartRatePerMin'
  const questions = Array.from({ length: QUESTIONS }, () =>
    fetch(`${url}/homes/${HOME}/history?deviceId=sos-bath&${year}`, { headers }).then(({ status }) => status),
  )
  const waiting = () =>
    database.pool.query(
      "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    )
  await expect.poll(async () => (await waiting()).rowCount, { timeout: 10_000 }).toBeGreaterThan(1)

  const begun = performance.now()
  const taken = await fetch(`${url}/incidents/${incidentId}/acknowledge`, { method: 'POST', headers, body: '{}' })
  expect(taken.status).toBe(200)
  expect(performance.now() - begun).toBeLessThan(AT_ONCE_MS)

  await locking.end()
  for (const status of await Promise.all(questions)) expect([200, 503]).toContain(status)
})
