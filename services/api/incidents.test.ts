import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bench, openBench } from './testing/bench.ts'
import { HOME } from './testing/community.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

test('a worker signs in, sees the press, takes it, arrives, writes a note and closes it', async () => {
  const incidentId = await bench.raise(HOME)
  const worker = await bench.signIn('worker')

  const { body: list } = await bench.ask(worker, 'GET', '/api/v1/incidents?status=open&status=acknowledged')
  expect(list.nextCursor).toBeNull()
  expect(list.items).toMatchObject([
    {
      id: incidentId,
      homeId: HOME,
      homeLabel: 'Bldg 3-502',
      kind: 'sos',
      subject: null,
      severity: 'critical',
      status: 'open',
      takenBy: null,
      nextStep: { who: 'Chen Bo' },
      room: 'bathroom',
      told: [{ name: 'Chen Mei', role: 'family-keyholder', status: 'pending' }],
    },
  ])
  const path = `/api/v1/incidents/${incidentId}`
  const taken = await bench.ask(worker, 'POST', `${path}/acknowledge`, {})
  expect(taken.status).toBe(200)
  expect(taken.body.takenBy).toMatchObject({ id: 'id-worker', name: 'Li Na', role: 'social-worker' })
  expect((await bench.ask(worker, 'POST', `${path}/acknowledge`, {})).status).toBe(200)

  const coordinator = await bench.signIn('coordinator')
  const late = await bench.ask(coordinator, 'POST', `${path}/acknowledge`, {})
  expect(late).toMatchObject({
    status: 409,
    body: { code: 'already-taken', takenBy: { id: 'id-worker', name: 'Li Na' } },
  })
  expect(late.headers['content-type']).toContain('application/problem+json')
  expect((await bench.ask(coordinator, 'POST', `${path}/join`, {})).status).toBe(200)

  expect((await bench.ask(worker, 'POST', `${path}/arrived`, {})).body.arrivedAt).not.toBeNull()
  expect((await bench.ask(worker, 'POST', `${path}/notes`, { text: 'Slipped, unhurt' })).status).toBe(200)
  const unseen = await bench.ask(worker, 'POST', `${path}/resolve`, { outcome: 'real', note: '' })
  expect(unseen).toMatchObject({ status: 422, body: { code: 'person-not-seen', field: 'personSeenOrHeard' } })
  const closed = await bench.ask(worker, 'POST', `${path}/resolve`, {
    outcome: 'real',
    note: '',
    personSeenOrHeard: true,
  })
  expect(closed.body).toMatchObject({ status: 'resolved', outcome: 'real' })
  expect(closed.body.timeline.map((entry: { type: string }) => entry.type)).toEqual([
    'Opened',
    'Told',
    'Taken',
    'LateTakeRefused',
    'Joined',
    'Arrived',
    'NoteAdded',
    'Resolved',
  ])
})
