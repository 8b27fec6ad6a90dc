import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'
import { createHomeIncidents } from './home-incidents.ts'

const MINUTE = 60_000

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

type Row = { kind: string; status: 'open' | 'acknowledged' | 'resolved'; minutesAgo: number; state?: object }

async function keep(homeId: string, rows: Row[]): Promise<void> {
  for (const { kind, status, minutesAgo, state = {} } of rows) {
    const openedAt = new Date(Date.now() - minutesAgo * MINUTE)
    await database.pool.query(
      `insert into incident (home_id, incident_id, scope, kind, subject, severity, condition, status, opened_at,
                             resolved_at, wake_at, folded_at, version, state)
       values ($1, $2, 'home', $3, $2, 'critical', 'active', $4, $5, $6, now(), now(), 1, $7)`,
      [
        homeId,
        `${kind}-${minutesAgo}`,
        kind,
        status,
        openedAt,
        status === 'resolved' ? openedAt : null,
        { raisedCount: 1, arrivedAt: null, ...state },
      ],
    )
  }
}

test('what stands comes last, so that a lamp that keeps one message shows it; the oldest of a kind comes first', async () => {
  await keep('home-order', [
    { kind: 'gas', status: 'open', minutesAgo: 20 },
    { kind: 'sos', status: 'resolved', minutesAgo: 10 },
    { kind: 'smoke', status: 'acknowledged', minutesAgo: 5 },
    { kind: 'sos', status: 'resolved', minutesAgo: 300 },
    { kind: 'technical', status: 'open', minutesAgo: 1 },
  ])
  const told = await createHomeIncidents(database.pool).presentFor('home-order')
  expect(told.map(({ incidentId }) => incidentId)).toEqual(['sos-300', 'sos-10', 'gas-20', 'smoke-5'])
})

test('a home with too many to tell leaves out what is over', async () => {
  const over = Array.from(
    { length: 60 },
    (_, index): Row => ({ kind: 'sos', status: 'resolved', minutesAgo: index + 1 }),
  )
  await keep('home-many', [{ kind: 'smoke', status: 'open', minutesAgo: 120 }, ...over])
  const told = await createHomeIncidents(database.pool).presentFor('home-many')
  expect(told).toHaveLength(50)
  expect(told.at(-1)).toMatchObject({ kind: 'smoke', status: 'open' })
})

test('a notice says how often it was raised, and whether somebody is there', async () => {
  await keep('home-said', [
    { kind: 'sos', status: 'open', minutesAgo: 2, state: { raisedCount: 3 } },
    {
      kind: 'smoke',
      status: 'acknowledged',
      minutesAgo: 1,
      state: { takenBy: { name: '李娜', at: 1_795_399_869_000 }, arrivedAt: 1_795_399_870_000 },
    },
  ])
  expect(await createHomeIncidents(database.pool).presentFor('home-said')).toMatchObject([
    { kind: 'sos', severity: 'critical', raisedCount: 3, arrived: false, takenBy: null },
    { kind: 'smoke', raisedCount: 1, arrived: true, takenBy: '李娜', at: 1_795_399_869_000 },
  ])
})
