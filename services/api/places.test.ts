import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDeviceAccounts } from '../store/postgres/device-accounts.ts'
import { type Bench, openBench } from './testing/bench.ts'
import { HOME } from './testing/community.ts'

let bench: Bench
let admin: string
let coordinator: string
beforeAll(async () => {
  bench = await openBench()
  admin = await bench.signIn('admin')
  coordinator = await bench.signIn('coordinator')
})
afterAll(() => bench.close())

describe('homes', () => {
  test('are taken in with their cell, sealed, and read back with an audit row', async () => {
    const home = { id: 'home-900', label: 'Bldg 9-101', gridCellId: 'cell-9', residentName: 'Sun Li' }
    const refused = await bench.ask(admin, 'POST', '/api/v1/homes', home)
    expect(refused.body).toMatchObject({ code: 'unknown-grid-cell', field: 'gridCellId' })
    const newGridCell = { community: 'Willow Lane', name: 'Cell 9' }
    const made = await bench.ask(admin, 'POST', '/api/v1/homes', { ...home, newGridCell })
    expect(made).toMatchObject({ status: 201, body: { id: 'home-900', residentName: 'Sun Li', settings: {} } })
    expect((await bench.ask(admin, 'POST', '/api/v1/homes', home)).body).toMatchObject({ code: 'already-exists' })
    const { rows } = await bench.pool.query<{ sealed: string }>(
      "select encode(resident_sealed, 'escape') as sealed from home where home_id = 'home-900'",
    )
    expect(rows[0]?.sealed).not.toContain('Sun')
    expect(await bench.audit('home.created')).toMatchObject([{ actor: 'user:id-admin', home_id: 'home-900' }])
    expect(await bench.audit('home.read')).toContainEqual({
      actor: 'user:id-admin',
      home_id: 'home-900',
      subject: null,
      detail: {},
    })
  })

  test('come in pages, and whoever looks at the list is on the audit log with what was seen', async () => {
    const first = await bench.ask(admin, 'GET', '/api/v1/homes?limit=1')
    expect(first.body).toMatchObject({ items: [{ id: HOME }], nextCursor: HOME })
    const next = await bench.ask(admin, 'GET', `/api/v1/homes?limit=1&cursor=${first.body.nextCursor}`)
    expect(next.body.items).toMatchObject([{ id: 'home-002' }])
    expect((await bench.audit('homes.read')).at(-1)?.detail).toEqual({ homeIds: ['home-002'] })
  })

  test('take settings within their limits, and keep those of the escalation', async () => {
    await bench.pool.query(`update home set settings = '{"escalation":{"critical":null}}' where home_id = $1`, [HOME])
    const change = (settings: object) => bench.ask(coordinator, 'PATCH', `/api/v1/homes/${HOME}`, { settings })
    expect((await change({ bedWarningMinutes: 20 })).body.settings).toEqual({ bedWarningMinutes: 20 })
    expect((await change({ bedAlarmMinutes: 45 })).body.settings).toEqual({ bedAlarmMinutes: 45 })
    const { rows } = await bench.pool.query('select settings from home where home_id = $1', [HOME])
    expect(rows[0]).toEqual({ settings: { bedAlarmMinutes: 45, escalation: { critical: null } } })
    for (const [settings, field] of [
      [{ bedAlarmMinutes: 1 }, 'settings.bedAlarmMinutes'],
      [{ noSuchSetting: 1 }, 'settings.noSuchSetting'],
      [{ escalation: {} }, 'settings.escalation'],
      [{ bedWarningMinutes: 60, bedAlarmMinutes: 30 }, 'settings.bedWarningMinutes'],
    ] as const) {
      expect((await change(settings)).body).toMatchObject({ code: 'invalid-field', field })
    }
  })

  test('are in test mode for four hours at most', async () => {
    const until = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString()
    const change = (testModeUntil: string | null) =>
      bench.ask(coordinator, 'PATCH', `/api/v1/homes/${HOME}`, { testModeUntil })
    expect((await change(until(5))).body).toMatchObject({ code: 'invalid-field', field: 'testModeUntil' })
    const end = until(3.9)
    expect((await change(end)).body.testModeUntil).toBe(end)
    expect((await change(null)).body.testModeUntil).toBeNull()
    expect((await bench.audit('home.changed')).at(-1)).toMatchObject({ detail: { fields: ['testModeUntil'] } })
  })
})

describe('devices', () => {
  test('get their login once, lose it when revoked, and get a new one when placed again', async () => {
    const accounts = createDeviceAccounts(bench.pool, bench.sealing)
    const installer = await bench.signIn('installer')
    const path = `/api/v1/homes/${HOME}/devices`
    const device = { id: 'smoke-hall', kind: 'smoke-detector', room: 'hall', gatewayId: 'gateway' }
    const placed = await bench.ask(installer, 'POST', path, device)
    expect(placed).toMatchObject({
      status: 201,
      body: { device: { ...device, state: 'unknown' }, username: 'home-001.smoke-hall' },
    })
    const account = await accounts.find(placed.body.username)
    expect(Buffer.compare(account?.secretHash ?? Buffer.of(), accounts.hashSecret(placed.body.password))).toBe(0)
    const list = await bench.ask(installer, 'GET', path)
    expect(JSON.stringify(list.body)).not.toContain(placed.body.password)
    expect(list.body.items.map(({ id }: { id: string }) => id)).toEqual(['gateway', 'smoke-hall', 'sos-bath'])
    expect((await bench.ask(installer, 'POST', path, device)).body).toMatchObject({ code: 'already-exists' })
    expect(
      (await bench.ask(installer, 'POST', path, { ...device, id: 'x', gatewayId: 'sos-bath' })).body,
    ).toMatchObject({ code: 'unknown-gateway' })
    for (const id of ['Up', 'a/b', 'a+b', 'a.b', '#', '']) {
      expect((await bench.ask(installer, 'POST', path, { ...device, id })).body).toMatchObject({ field: 'id' })
    }
    expect((await bench.ask(installer, 'POST', `${path}/smoke-hall/revoke`)).status).toBe(204)
    expect(await accounts.find(placed.body.username)).toBeNull()
    const again = await bench.ask(installer, 'POST', path, { ...device, room: 'stairs' })
    expect(again).toMatchObject({ status: 201, body: { device: { room: 'stairs' } } })
    expect(again.body.password).not.toBe(placed.body.password)
    expect((await bench.audit('device.revoked')).at(-1)).toMatchObject({
      actor: 'user:id-installer',
      subject: 'smoke-hall',
    })
  })

  test('of another convention have an address, one behind a gateway each', async () => {
    const installer = await bench.signIn('installer')
    const place = async (device: object) =>
      (await bench.ask(installer, 'POST', `/api/v1/homes/${HOME}/devices`, device)).body
    const convention = 'zigbee2mqtt'
    const gateway = { id: 'zigbee', kind: 'gateway', convention, address: 'zigbee2mqtt' }
    expect(await place(gateway)).toMatchObject({ device: gateway })
    const address = 'zigbee2mqtt/浴室 button/1'
    const button = { id: 'sos-z', kind: 'sos-button', gatewayId: 'zigbee', convention, address }
    expect(await place(button)).toMatchObject({ device: button })
    const other = { ...button, id: 'sos-other' }
    expect(await place(other)).toMatchObject({ code: 'address-taken', field: 'address' })
    expect(await place({ ...other, gatewayId: 'gateway' })).toMatchObject({ device: { id: 'sos-other' } })
    // Two installers in one moment.
    const same = { ...button, address: 'zigbee2mqtt/hall' }
    const both = await Promise.all([place({ ...same, id: 'hall-1' }), place({ ...same, id: 'hall-2' })])
    expect(both.filter(({ code }) => code === 'address-taken')).toHaveLength(1)
    expect(both.filter(({ device }) => device !== undefined)).toHaveLength(1)
    const half = { id: 'x', kind: 'sos-button', gatewayId: 'zigbee' }
    for (const more of [{ convention }, { address }, { convention: 'native', address }]) {
      expect(await place({ ...half, ...more })).toMatchObject({ code: 'address-of-convention' })
    }
    for (const wrong of [
      '',
      '/a',
      'a/',
      'a//b',
      'a/+',
      '#',
      '$SYS/a',
      'care/v1',
      'care',
      'a\u0000b',
      'a'.repeat(257),
    ]) {
      expect(await place({ ...half, convention, address: wrong }), wrong).toMatchObject({ field: 'address' })
    }
  })
})

describe('contacts', () => {
  test('are kept, changed, tested once a minute, and taken off; every look and change is on the audit log', async () => {
    const path = `/api/v1/homes/${HOME}/contacts`
    const made = await bench.ask(coordinator, 'POST', path, {
      name: 'Zhou Ting',
      role: 'neighbour',
      phone: '+8615500000777',
    })
    expect(made).toMatchObject({ status: 201, body: { language: 'zh', position: 0 } })
    const one = `${path}/${made.body.id}`
    expect((await bench.ask(coordinator, 'PATCH', one, { phone: '+8615500000778' })).body.phone).toBe('+8615500000778')
    expect((await bench.ask(coordinator, 'PATCH', one, { phone: '12345' })).body).toMatchObject({ field: 'phone' })
    expect((await bench.ask(coordinator, 'POST', `${one}/test`)).status).toBe(202)
    expect((await bench.ask(coordinator, 'POST', `${one}/test`)).body).toMatchObject({ status: 429, code: 'too-soon' })
    const { rows } = await bench.pool.query<{ phone_sealed: Buffer; body_sealed: Buffer }>(
      "select phone_sealed, body_sealed from outbox where purpose = 'contact-test'",
    )
    expect(rows.map((row) => bench.sealing.open(row.phone_sealed))).toEqual(['+8615500000778'])
    expect(bench.sealing.open(rows[0]?.body_sealed ?? Buffer.of())).toContain('Bldg 3-502')
    expect((await bench.ask(coordinator, 'PATCH', one, { removed: true })).status).toBe(200)
    const list = await bench.ask(coordinator, 'GET', path)
    expect(list.body.items.map(({ id }: { id: string }) => id)).toEqual(['c1', 'c2'])
    expect((await bench.ask(coordinator, 'POST', `${one}/test`)).status).toBe(404)
    for (const action of ['contact.created', 'contact.changed', 'contact.tested', 'contact.removed']) {
      const entries = await bench.audit(action)
      expect(entries).toMatchObject([{ actor: 'user:id-coordinator', home_id: HOME, subject: made.body.id }])
      expect(JSON.stringify(entries)).not.toMatch(/Zhou|\+86/)
    }
    expect(await bench.audit('contacts.read')).toMatchObject([{ actor: 'user:id-coordinator', home_id: HOME }])
  })
})

describe('users', () => {
  test('are added with their homes and cells, and sign in', async () => {
    const user = {
      login: 'new-worker',
      name: 'Xu Lan',
      password: 'long enough',
      role: 'social-worker',
      gridCells: ['cell-1'],
    }
    const made = await bench.ask(admin, 'POST', '/api/v1/users', user)
    expect(made).toMatchObject({ status: 201, body: { login: 'new-worker', gridCells: ['cell-1'], disabled: false } })
    expect(JSON.stringify(made.body)).not.toMatch(/password|argon/)
    expect((await bench.ask(admin, 'POST', '/api/v1/users', user)).body).toMatchObject({
      code: 'login-taken',
      field: 'login',
    })
    const lost = { ...user, login: 'x', homes: [{ homeId: 'no-such-home' }] }
    expect((await bench.ask(admin, 'POST', '/api/v1/users', lost)).body).toMatchObject({ code: 'unknown-membership' })
    for (const twice of [{ gridCells: ['cell-1', 'cell-1'] }, { homes: [{ homeId: HOME }, { homeId: HOME }] }]) {
      const answer = await bench.ask(admin, 'POST', '/api/v1/users', { ...user, login: 'twice', ...twice })
      expect(answer.body).toMatchObject({ code: 'membership-twice' })
    }
    const path = `/api/v1/users/${made.body.id}`
    const moved = await bench.ask(admin, 'PATCH', path, { gridCells: [], homes: [{ homeId: HOME }], role: 'family' })
    expect(moved.body).toMatchObject({ role: 'family', gridCells: [], homes: [{ homeId: HOME, contactId: null }] })
    expect(await bench.store.sessions.open('new-worker', 'long enough')).not.toBeNull()
  })

  test('cannot end with nobody who could let others in', async () => {
    for (const change of [{ disabled: true }, { role: 'auditor' }]) {
      const refused = await bench.ask(admin, 'PATCH', '/api/v1/users/id-admin', change)
      expect(refused.body).toMatchObject({ status: 409, code: 'last-admin' })
    }
    expect((await bench.ask(admin, 'GET', '/api/v1/me')).body).toMatchObject({ role: 'admin' })
  })
})
