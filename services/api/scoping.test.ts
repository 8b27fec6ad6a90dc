import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bench, openBench } from './testing/bench.ts'
import { HOME } from './testing/community.ts'
import { documentedRoutes } from './testing/routes.ts'

/** What each route answers to each role: the roles of the home's own cell, then strangers, then nobody. */
const COLUMNS = [
  'admin',
  'auditor',
  'coordinator',
  'worker',
  'family',
  'resident',
  'installer',
  'other-coordinator',
  'other-worker',
  'other-family',
  'other-installer',
] as const

/** A change is asked for with a body that is refused only after the rights: 2xx or 400…422 would mean "let in". */
const IN = 'in'
type Answer = typeof IN | 403 | 404
const all = (answer: Answer): Answer[] => COLUMNS.map(() => answer)
const TABLE: Record<string, Answer[]> = {
  'DELETE /api/v1/session': all(IN),
  'GET /api/v1/me': all(IN),
  'GET /api/v1/incidents': all(IN),
  'GET /api/v1/incidents/{id}': [IN, IN, IN, IN, IN, IN, 404, 404, 404, 404, 404],
  'POST /api/v1/incidents/{id}/acknowledge': [IN, 403, IN, IN, IN, 403, 403, 404, 404, 404, 403],
  'POST /api/v1/incidents/{id}/join': [IN, 403, IN, IN, IN, 403, 403, 404, 404, 404, 403],
  'POST /api/v1/incidents/{id}/arrived': [IN, 403, IN, IN, IN, 403, 403, 404, 404, 404, 403],
  'POST /api/v1/incidents/{id}/resolve': [IN, 403, IN, IN, IN, 403, 403, 404, 404, 404, 403],
  'POST /api/v1/incidents/{id}/notes': [IN, 403, IN, IN, IN, 403, 403, 404, 404, 404, 403],
  'POST /api/v1/incidents/{id}/handover': [IN, 403, IN, IN, IN, 403, 403, 404, 404, 404, 403],
  'GET /api/v1/homes': all(IN),
  'POST /api/v1/homes': [IN, 403, 403, 403, 403, 403, 403, 403, 403, 403, 403],
  'GET /api/v1/homes/{id}': [IN, IN, IN, IN, IN, IN, IN, 404, 404, 404, 404],
  'PATCH /api/v1/homes/{id}': [IN, 403, IN, 403, 403, 403, 403, 404, 403, 403, 403],
  'GET /api/v1/homes/{id}/devices': [IN, IN, IN, IN, IN, IN, IN, 404, 404, 404, 404],
  'POST /api/v1/homes/{id}/devices': [IN, 403, IN, 403, 403, 403, IN, 404, 403, 403, 404],
  'POST /api/v1/homes/{id}/devices/{deviceId}/revoke': [IN, 403, IN, 403, 403, 403, IN, 404, 403, 403, 404],
  'GET /api/v1/homes/{id}/contacts': [IN, IN, IN, IN, IN, IN, 403, 404, 404, 404, 403],
  'POST /api/v1/homes/{id}/contacts': [IN, 403, IN, 403, 403, 403, 403, 404, 403, 403, 403],
  'PATCH /api/v1/homes/{id}/contacts/{contactId}': [IN, 403, IN, 403, 403, 403, 403, 404, 403, 403, 403],
  'POST /api/v1/homes/{id}/contacts/{contactId}/test': [IN, 403, IN, IN, 403, 403, 403, 404, 404, 403, 403],
  'GET /api/v1/users': [IN, IN, 403, 403, 403, 403, 403, 403, 403, 403, 403],
  'POST /api/v1/users': [IN, 403, 403, 403, 403, 403, 403, 403, 403, 403, 403],
  'PATCH /api/v1/users/{id}': [IN, 403, 403, 403, 403, 403, 403, 403, 403, 403, 403],
  'GET /api/v1/homes/{id}/observations': [IN, IN, IN, IN, IN, IN, 403, 404, 404, 404, 403],
  'GET /api/v1/homes/{id}/history': [IN, IN, IN, IN, IN, IN, 403, 404, 404, 404, 403],
}
/** Open to who is signed in to nothing; each has a guard and a test of its own. */
const FOR_EVERYBODY = [
  'POST /api/v1/session',
  'GET /healthz',
  'GET /readyz',
  'GET /metrics',
  'POST /webhooks/twilio/message-status',
  'POST /webhooks/twilio/incoming-message',
  'GET /a/{token}',
  'POST /a/{token}',
  'GET /setup/{token}',
  'POST /setup/{token}',
]
/** A real socket's story, in stream.test.ts. */
const ELSEWHERE = ['GET /api/v1/stream']

const BODIES: Record<string, object> = {
  resolve: { outcome: 'test', personSeenOrHeard: true },
  notes: { text: 'A note' },
  handover: { to: 'id-coordinator' },
  'POST /api/v1/homes': { id: 'home-001', label: 'x', gridCellId: 'cell-1' },
  devices: { id: 'sos-bath', kind: 'sos-button' },
  contacts: { name: 'x', role: 'family', phone: '+8615500000999' },
  'POST /api/v1/users': { login: 'admin', name: 'x', password: 'long enough', role: 'admin' },
}
const QUERIES: Record<string, string> = {
  history: '?deviceId=sos-bath&field=batteryPercent&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z',
}

let bench: Bench
let incidentId: string
const cookies = new Map<string, string>()
beforeAll(async () => {
  bench = await openBench()
  incidentId = await bench.raise(HOME)
  for (const login of COLUMNS) cookies.set(login, await bench.signIn(login))
})
afterAll(() => bench.close())

async function answerTo(login: string, route: string): Promise<{ status: number; body: unknown }> {
  const [method, path = ''] = route.split(' ') as ['GET' | 'POST' | 'PATCH' | 'DELETE', string]
  const address = path
    .replace('/incidents/{id}', `/incidents/${incidentId}`)
    .replace('/homes/{id}', `/homes/${HOME}`)
    .replace('/users/{id}', '/users/id-resident')
    .replace('{deviceId}', 'gateway')
    .replace('{contactId}', 'c2')
  const last = path.split('/').at(-1) ?? ''
  // Each role finds it in its place, whoever took it off before.
  if (last === 'revoke') await bench.pool.query("update device set retired_at = null where device_id = 'gateway'")
  const body = method === 'GET' || method === 'DELETE' || last === 'revoke' || last === 'test' ? undefined : {}
  const cookie = route.startsWith('DELETE') ? await bench.signIn(login) : (cookies.get(login) ?? null)
  return bench.ask(cookie, method, address + (QUERIES[last] ?? ''), body && (BODIES[route] ?? BODIES[last] ?? body))
}

test('the table names every route there is, and no other', () => {
  const documented = documentedRoutes(bench.app).map(({ method, path }) => `${method} ${path}`)
  expect([...Object.keys(TABLE), ...FOR_EVERYBODY, ...ELSEWHERE].sort()).toEqual(documented.sort())
})

describe('each role sees what is its own', () => {
  test.each(Object.entries(TABLE))('%s', async (route, expected) => {
    const answers: Answer[] = []
    for (const login of COLUMNS) {
      const { status } = await answerTo(login, route)
      answers.push(status === 403 || status === 404 ? status : IN)
      expect(status).toBeLessThan(500)
      expect(status).not.toBe(401)
      // Let in means let in: not stopped by a body that nobody would send.
      expect(status).not.toBe(400)
    }
    expect(answers).toEqual(expected)
  })

  test.each(Object.keys(TABLE))('who is not signed in gets 401 from %s', async (route) => {
    const { status, body } = await answerTo(
      'nobody',
      route.replace('DELETE', 'GET').replace('GET /api/v1/session', 'GET /api/v1/me'),
    )
    expect({ status, body }).toMatchObject({ status: 401, body: { code: 'not-signed-in' } })
  })
})

test('what a stranger is refused has not been done all the same', async () => {
  const stranger = cookies.get('other-coordinator') ?? null
  const { status } = await bench.ask(stranger, 'PATCH', `/api/v1/homes/${HOME}`, { label: 'Elsewhere' })
  const { rows } = await bench.pool.query('select label from home where home_id = $1', [HOME])
  expect([status, rows]).toEqual([404, [{ label: 'Bldg 3-502' }]])
  const { rowCount } = await bench.pool.query(
    "select 1 from audit where home_id = $1 and actor = 'user:id-other-coordinator'",
    [HOME],
  )
  expect(rowCount).toBe(0)
})

describe('lists hold nothing of others', () => {
  test.each(['other-coordinator', 'other-worker', 'other-family', 'other-installer'])('%s', async (login) => {
    const homes = await answerTo(login, 'GET /api/v1/homes')
    expect(homes.body).toMatchObject({ items: [{ id: 'home-002' }] })
    expect((await answerTo(login, 'GET /api/v1/incidents')).body).toEqual({ items: [], nextCursor: null })
    const asked = await bench.ask(cookies.get(login) ?? null, 'GET', `/api/v1/incidents?homeId=${HOME}`)
    expect(asked.body.items).toEqual([])
  })

  test('an installer sees devices and technical incidents, and nobody’s name', async () => {
    const raised = await bench.raise(HOME, {
      kind: 'technical',
      subject: 'sos-bath:lost',
      severity: 'technical',
      why: { code: 'device-lost', values: {} },
    })
    const bed = { id: 'sos-bath', heardAt: 1, conditions: [], bed: { at: 1, occupied: true }, livedAt: 1 }
    const state = { now: 1, bathroomMovementAt: null, devices: [bed] }
    await bench.pool.query('insert into home_state (home_id, shard, state) values ($1, 0, $2)', [HOME, state])
    const { body: familys } = await answerTo('family', 'GET /api/v1/homes')
    expect(familys).toMatchObject({ items: [{ state: { lastSignOfLifeRoom: 'bathroom' } }] })
    const { body: homes } = await answerTo('installer', 'GET /api/v1/homes')
    const unseen = { lastSignOfLifeAt: null, lastSignOfLifeRoom: null, lastSignOfLifeInBed: false }
    expect(homes).toMatchObject({ items: [{ state: unseen }] })
    expect(homes).toMatchObject({ items: [{ id: HOME, residentName: null }] })
    const { body: home } = await answerTo('installer', 'GET /api/v1/homes/{id}')
    expect(home).toMatchObject({ state: unseen, residentName: null, address: null, notes: null })
    // When a button, a bed, a door or a motion sensor last spoke is when the resident moved.
    const read = 'GET /api/v1/homes/{id}/devices'
    const { body: familyDevices } = await answerTo('family', read)
    const { body: devices } = await answerTo('installer', read)
    const button = { id: 'sos-bath', state: 'online' }
    const spoke = new Date(1).toISOString()
    expect(familyDevices).toMatchObject({ items: [{ id: 'gateway' }, { ...button, lastSeenAt: spoke }] })
    expect(devices).toMatchObject({ items: [{ id: 'gateway' }, { ...button, lastSeenAt: null }] })
    expect(familys).toMatchObject({ items: [{ state: { lastWordAt: spoke } }] })
    expect(home).toMatchObject({ state: { lastWordAt: null } })
    const looks = (await bench.audit('devices.read')).map(({ actor, home_id }) => [actor, home_id])
    expect(looks).toContainEqual(['user:id-family', HOME])
    expect(looks).not.toContainEqual(['user:id-installer', HOME])
    const { body: incidents } = await bench.ask(cookies.get('installer') ?? null, 'GET', '/api/v1/incidents')
    expect(incidents.items).toMatchObject([{ id: raised, told: [] }])
    expect(JSON.stringify([homes, home, devices, incidents])).not.toMatch(/Chen|Wang|Willow Lane|\+86/)
  })
})
