import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bench, openBench } from './testing/bench.ts'
import { HOME, OTHER_HOME } from './testing/community.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

const form = { 'content-type': 'application/x-www-form-urlencoded' }
const get = (url: string, headers = {}) => bench.app.inject({ url, headers, remoteAddress: '10.1.0.1' })
/** As a browser: what was taken in is answered with how it stands now. */
async function post(url: string, payload = '') {
  const answer = await bench.app.inject({ method: 'POST', url, headers: form, payload, remoteAddress: '10.1.0.1' })
  return answer.statusCode === 303 ? get(answer.headers.location ?? '') : answer
}

async function linkOf(incidentId: string, recipient: string): Promise<string> {
  const { rows } = await bench.pool.query<{ outbox_id: string }>(
    "select outbox_id from outbox where incident_id = $1 and recipient = $2 and purpose = 'alarm'",
    [incidentId, recipient],
  )
  return `/a/${bench.tokenOf(rows[0]?.outbox_id ?? '')}`
}

async function statusOf(incidentId: string): Promise<string> {
  const { rows } = await bench.pool.query<{ status: string }>('select status from incident where incident_id = $1', [
    incidentId,
  ])
  return rows[0]?.status ?? ''
}

describe('the link in a message', () => {
  test('shows one button to whoever opens it, and only its POST takes the incident', async () => {
    const incidentId = await bench.raise(HOME)
    const link = await linkOf(incidentId, 'contact:c1')
    // Scanners of mail and SMS open links, some with HEAD first.
    await bench.app.inject({ method: 'HEAD', url: link })
    for (let scan = 0; scan < 3; scan += 1) {
      const page = await get(link)
      expect(page.statusCode).toBe(200)
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
      expect(page.body).toContain('Bldg 3-502 bathroom: call for help')
      expect(page.body.match(/<button/g)).toHaveLength(1)
      expect(page.body).not.toMatch(/<script|style=|Wang|Chen|\+86/)
    }
    expect(await statusOf(incidentId)).toBe('open')
    expect((await post(link, 'anything=at+all')).body).toContain('You have it')
    expect(await statusOf(incidentId)).toBe('acknowledged')
    expect((await post(link)).statusCode).toBe(200)
    expect((await get(link)).body).not.toContain('value="take"')
    expect(await bench.audit('incident.read')).toContainEqual({
      actor: 'contact:c1',
      home_id: HOME,
      subject: incidentId,
      detail: { via: 'link' },
    })
  })

  test('says who has it to the one who comes second, in their language', async () => {
    const incidentId = await bench.raise(HOME, { kind: 'smoke', deviceKind: 'smoke-detector' })
    const worker = await bench.signIn('worker')
    const link = await linkOf(incidentId, 'user:id-worker')
    await bench.ask(await bench.signIn('coordinator'), 'POST', `/api/v1/incidents/${incidentId}/acknowledge`, {})
    const page = await post(link)
    expect(page.body).toContain('Zhao Yan has it')
    const resolve = { outcome: 'false-alarm', personSeenOrHeard: true }
    await bench.ask(worker, 'POST', `/api/v1/incidents/${incidentId}/resolve`, resolve)
    expect((await post(link)).body).toContain('It is over')
  })

  test('that nobody gave out, or that is older than 72 h, opens nothing', async () => {
    const incidentId = await bench.raise(HOME, { kind: 'gas', deviceKind: 'gas-detector' })
    const link = await linkOf(incidentId, 'contact:c1')
    await bench.pool.query("update incident_link set expires_at = now() - interval '1 s' where incident_id = $1", [
      incidentId,
    ])
    for (const answer of [await get(link), await post(link), await get('/a/xyz'), await post('/a/xyz')]) {
      expect(answer.statusCode).toBe(404)
      expect(answer.body).toContain('链接已失效')
    }
    expect((await get('/a/xyz', { 'accept-language': 'en-GB,en' })).body).toContain('wrong or too old')
    expect(await statusOf(incidentId)).toBe('open')
  })

  test('of somebody who was taken off the list opens nothing', async () => {
    const incidentId = await bench.raise(HOME, { kind: 'co', deviceKind: 'co-detector' })
    const link = await linkOf(incidentId, 'contact:c1')
    expect((await get(link)).statusCode).toBe(200)
    const path = `/api/v1/homes/${HOME}/contacts/c1`
    await bench.ask(await bench.signIn('admin'), 'PATCH', path, { removed: true })
    expect([(await get(link)).statusCode, (await post(link)).statusCode]).toEqual([404, 404])
    expect(await statusOf(incidentId)).toBe('open')
    await bench.pool.query("update contact set removed_at = null where contact_id = 'c1'")
  })

  test('ends with the right of who holds it: out of the cell, another role, or disabled', async () => {
    const incidentId = await bench.raise(HOME, { kind: 'smoke', deviceKind: 'smoke-detector' })
    const link = await linkOf(incidentId, 'user:id-worker')
    const statusAfter = async (statement: string) => {
      await bench.pool.query(statement)
      return (await get(link)).statusCode
    }
    const here = "cell_member where user_id = 'id-worker'"
    expect(await statusAfter('select 1')).toBe(200)
    expect(await statusAfter(`delete from ${here}`)).toBe(404)
    expect((await post(link)).statusCode).toBe(404)
    expect(await statusAfter("insert into cell_member values ('cell-1', 'id-worker')")).toBe(200)
    expect(await statusAfter("update app_user set role = 'installer' where user_id = 'id-worker'")).toBe(404)
    expect(await statusAfter("update app_user set role = 'social-worker' where user_id = 'id-worker'")).toBe(200)
    expect(await statusAfter("update app_user set disabled_at = now() where user_id = 'id-worker'")).toBe(404)
    expect(await statusAfter("update app_user set disabled_at = null where user_id = 'id-worker'")).toBe(200)
    expect(await statusOf(incidentId)).toBe('open')
  })

  test('belongs to the phone it was sent to: a corrected number ends it', async () => {
    const incidentId = await bench.raise(HOME, { kind: 'vitals', deviceKind: 'sleep-monitor' })
    const link = await linkOf(incidentId, 'contact:c1')
    expect((await get(link)).statusCode).toBe(200)
    const change = async (phone: string) =>
      bench.ask(await bench.signIn('admin'), 'PATCH', `/api/v1/homes/${HOME}/contacts/c1`, { phone })
    await change('+8615500000199')
    expect([(await get(link)).statusCode, (await post(link)).statusCode]).toEqual([404, 404])
    await change('+8615500000101')
    expect((await get(link)).statusCode).toBe(200)
    expect(await statusOf(incidentId)).toBe('open')
  })

  test('cannot be guessed: an address that tries many is stopped', async () => {
    const statuses = new Set<number>()
    for (let guess = 0; guess < 40; guess += 1) {
      statuses.add((await bench.app.inject({ url: `/a/guess-${guess}`, remoteAddress: '10.1.0.9' })).statusCode)
    }
    expect([...statuses]).toEqual([404, 429])
  })
})

describe('a link that cannot be answered', () => {
  const english = { 'accept-language': 'en' }
  test('says so in people’s words, with whom to call, when the database refuses', async () => {
    const incidentId = await bench.raise(OTHER_HOME)
    const link = await linkOf(incidentId, 'contact:c3')
    await bench.pool.query('alter table incident_link rename to incident_link_away')
    const answers = [await get(link), await get(link, english), await post(link)]
    await bench.pool.query('alter table incident_link_away rename to incident_link')
    for (const answer of answers) {
      expect([answer.statusCode, answer.headers['content-type']]).toEqual([503, 'text/html; charset=utf-8'])
      expect(answer.body).toMatch(/120.*119.*href="tel:120".*href="tel:119"/s)
    }
    expect(answers[0]?.body).toContain('lang="zh')
    expect(answers[1]?.body).toContain('lang="en')
    expect((await get(link)).statusCode).toBe(200)
  })

  test('waits for a silent database no longer than a person does', async () => {
    const lock = new pg.Client({ connectionString: bench.databaseUrl })
    await lock.connect()
    await lock.query('begin; lock table incident_link in access exclusive mode')
    const begun = performance.now()
    const answer = await get('/a/abcdefghijklmnopqrst', english)
    expect(performance.now() - begun).toBeLessThan(6_000)
    await lock.end()
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([503, 'text/html; charset=utf-8'])
  })

  test('for too many wrong ones is a page too, and whoever has a right one beside them is let in', async () => {
    const incidentId = await bench.raise(OTHER_HOME, { kind: 'smoke', deviceKind: 'smoke-detector' })
    const link = await linkOf(incidentId, 'contact:c3')
    const from = (url: string) => bench.app.inject({ url, headers: english, remoteAddress: '10.1.0.8' })
    for (let guess = 0; guess < 40; guess += 1) await from(`/a/wrong-${guess}`)
    const stopped = await from('/a/wrong')
    expect([stopped.statusCode, stopped.headers['content-type']]).toEqual([429, 'text/html; charset=utf-8'])
    expect(stopped.headers['retry-after']).toBe('60')
    for (let look = 0; look < 40; look += 1) expect((await from(link)).statusCode).toBe(200)
  })
})

describe('the set-up link', () => {
  const admin = { login: 'root', name: 'Root', password: 'long enough', passwordAgain: 'long enough' }
  const filled = (change = {}) => new URLSearchParams({ ...admin, ...change }).toString()

  test('is not given where somebody can sign in', async () => {
    expect(await bench.store.setup.issue()).toBeNull()
  })

  test('makes the first administrator, once', async () => {
    const fresh = await openBench()
    // What a fresh installation has: nobody. (The audit log stays; it does not name users by key.)
    await fresh.pool.query('truncate app_user, app_session, home_member, cell_member')
    const token = await fresh.store.setup.issue()
    const url = `/setup/${token}`
    const send = (payload: string) => fresh.app.inject({ method: 'POST', url, headers: form, payload })
    const page = await fresh.app.inject({ url, headers: { 'accept-language': 'en' } })
    expect(page.body).toContain('<form method="post">')
    for (const wrong of [
      { password: 'short' },
      { passwordAgain: 'something else' },
      { login: 'with space' },
      { name: '' },
    ]) {
      expect((await send(filled(wrong))).statusCode).toBe(400)
    }
    const made = await send(filled())
    expect([made.statusCode, made.headers.location]).toEqual([303, '/desk/'])
    expect((await send(filled({ login: 'second' }))).statusCode).toBe(404)
    expect((await fresh.app.inject(url)).statusCode).toBe(404)
    expect(await fresh.store.sessions.open('root', 'long enough')).toMatchObject({ viewer: { role: 'admin' } })
    expect(await fresh.audit('user.created')).toMatchObject([{ actor: 'anonymous', detail: { via: 'setup-link' } }])
    await fresh.close()
  })

  test('is over after an hour, and the next start gives another', async () => {
    const fresh = await openBench()
    await fresh.pool.query('truncate app_user, app_session, home_member, cell_member')
    const url = `/setup/${await fresh.store.setup.issue()}`
    const pass = (minutes: number) =>
      fresh.pool.query("update setup_link set expires_at = expires_at - $1 * interval '1 minute'", [minutes])
    await pass(59)
    expect((await fresh.app.inject(url)).statusCode).toBe(200)
    await pass(1)
    expect((await fresh.app.inject(url)).statusCode).toBe(404)
    const made = await fresh.app.inject({ method: 'POST', url, headers: form, payload: filled() })
    expect(made.statusCode).toBe(404)
    expect((await fresh.pool.query('select 1 from app_user')).rowCount).toBe(0)
    expect((await fresh.app.inject(`/setup/${await fresh.store.setup.issue()}`)).statusCode).toBe(200)
    await fresh.close()
  })
})
