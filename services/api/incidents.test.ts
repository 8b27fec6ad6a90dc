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
    body: { code: 'already-taken', takenBy: { id: 'id-worker', contactId: null, name: 'Li Na' } },
  })
  expect(late.headers['content-type']).toContain('application/problem+json')
  expect((await bench.ask(coordinator, 'POST', `${path}/join`, {})).status).toBe(200)

  expect((await bench.ask(worker, 'POST', `${path}/arrived`, {})).body.arrivedAt).not.toBeNull()
  expect((await bench.ask(worker, 'POST', `${path}/notes`, { text: 'Slipped, unhurt' })).status).toBe(200)
  const unseen = await bench.ask(worker, 'POST', `${path}/resolve`, { outcome: 'real', note: '' })
  expect(unseen).toMatchObject({ status: 422, body: { code: 'person-not-seen', field: 'personSeenOrHeard' } })
  const closed = await bench.ask(worker, 'POST', `${path}/resolve`, {
    outcome: 'real',
    note: 'Her hip hurts',
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
  expect(closed.body.timeline.slice(-2)).toMatchObject([
    { body: { text: 'Slipped, unhurt' } },
    { body: { note: 'Her hip hurts' } },
  ])
  // What people write of a person is sealed at rest, in the story and in what it was folded from.
  const stored = await bench.pool.query(
    'select body from incident_event union all select body from incident_input union all select state from incident',
  )
  expect(JSON.stringify(stored.rows)).not.toMatch(/Slipped|hip/)
  // Who said what is on the audit log in the statement that took it in.
  expect(await bench.audit('incident.acknowledge')).toMatchObject([
    { actor: 'user:id-worker', home_id: HOME, subject: incidentId },
    { actor: 'user:id-worker' },
    { actor: 'user:id-coordinator' },
  ])
  expect(await bench.audit('incident.resolve')).toMatchObject([
    { actor: 'user:id-worker' },
    { actor: 'user:id-worker' },
  ])
})

test('a family member takes it as the contact who was told, and may hand it to the duty worker', async () => {
  const incidentId = await bench.raise(HOME, { kind: 'smoke', deviceKind: 'smoke-detector' })
  const path = `/api/v1/incidents/${incidentId}`
  const family = await bench.signIn('family')
  const taken = await bench.ask(family, 'POST', `${path}/acknowledge`, {})
  expect(taken.body).toMatchObject({
    takenBy: { id: 'id-family', contactId: 'c1', name: 'Chen Mei', role: 'family-keyholder' },
    takenByFamily: true,
  })
  // The account that was signed in, for which the contact only stands.
  expect((await bench.audit('incident.acknowledge')).at(-1)).toEqual({
    actor: 'user:id-family',
    home_id: HOME,
    subject: incidentId,
    detail: { as: 'contact:c1' },
  })
  for (const to of [
    'id-other-worker',
    'id-auditor',
    'contact:c3',
    'nobody',
    'x:id-other-worker',
    ':id-other-worker',
    'User:id-auditor',
  ]) {
    const refused = await bench.ask(family, 'POST', `${path}/handover`, { to })
    expect(refused.body).toMatchObject({ status: 422, code: 'unknown-person', field: 'to' })
  }
  const asked = await bench.ask(family, 'POST', `${path}/handover`, { to: 'id-worker' })
  expect(asked.body).toMatchObject({ status: 'acknowledged', takenBy: { id: 'id-family' } })
  const worker = await bench.signIn('worker')
  const given = await bench.ask(worker, 'POST', `${path}/acknowledge`, {})
  expect(given.body).toMatchObject({ takenBy: { id: 'id-worker' }, takenByFamily: false })
})

test('the list comes in pages, newest first, and can be narrowed', async () => {
  const admin = await bench.signIn('admin')
  const ids: string[] = []
  for (const kind of ['gas', 'co', 'vitals'] as const) ids.unshift(await bench.raise(HOME, { kind }))
  const seen: string[] = []
  let cursor = ''
  do {
    const { body } = await bench.ask(admin, 'GET', `/api/v1/incidents?limit=2&status=open${cursor}`)
    seen.push(...body.items.map(({ id }: { id: string }) => id))
    cursor = body.nextCursor === null ? '' : `&cursor=${encodeURIComponent(body.nextCursor)}`
  } while (cursor !== '')
  expect(seen).toEqual(ids)
  const { body } = await bench.ask(admin, 'GET', '/api/v1/incidents?kind=gas&kind=co')
  expect(body.items.map(({ id }: { id: string }) => id)).toEqual([ids[1], ids[2]])
  const none = await bench.ask(admin, 'GET', '/api/v1/incidents?from=2099-01-01T00:00:00Z')
  expect(none.body).toEqual({ items: [], nextCursor: null })
})
