import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bench, openBench } from './testing/bench.ts'
import { HOME, PASSWORD } from './testing/community.ts'

let bench: Bench
let secure: Bench
beforeAll(async () => {
  bench = await openBench()
  secure = await openBench({ publicUrl: 'https://anlin.example' })
})
afterAll(async () => {
  await bench.close()
  await secure.close()
})

function signIn(login: string, password: string, remoteAddress = '10.0.0.1', on = bench) {
  const payload = { login, password }
  return on.app.inject({ method: 'POST', url: '/api/v1/session', payload, remoteAddress })
}

describe('signing in', () => {
  test('gives a cookie that no script and no other site can use, and its end', async () => {
    const answer = await signIn('worker', PASSWORD)
    expect(answer.statusCode).toBe(204)
    const [cookie] = answer.cookies as { name: string; value: string; expires: Date }[]
    expect(cookie).toMatchObject({ name: 'anlin_session', httpOnly: true, sameSite: 'Strict', path: '/' })
    expect(cookie).not.toHaveProperty('secure')
    expect(Buffer.from(cookie?.value ?? '', 'base64url')).toHaveLength(32)
    const hours = ((cookie?.expires.getTime() ?? 0) - Date.now()) / 3_600_000
    expect(hours).toBeGreaterThan(11.9)
    expect(hours).toBeLessThanOrEqual(12)
    const overTls = await signIn('worker', PASSWORD, '10.0.0.1', secure)
    expect(overTls.cookies).toMatchObject([{ secure: true }])
  })

  test('the database holds no token, only its keyed hash', async () => {
    const cookie = await bench.signIn('worker')
    const token = cookie.split('=')[1] ?? ''
    const { rows } = await bench.pool.query<{ session_hash: Buffer }>('select session_hash from app_session')
    expect(rows.every((row) => !row.session_hash.includes(Buffer.from(token)) && row.session_hash.length === 32)).toBe(
      true,
    )
  })

  test('a wrong password and an unknown login are answered alike, and both are on the audit log', async () => {
    const wrong = await signIn('worker', 'wrong')
    const unknown = await signIn('nobody-of-that-name', 'wrong')
    expect([wrong.statusCode, wrong.json()]).toEqual([unknown.statusCode, unknown.json()])
    expect(wrong.json()).toMatchObject({ status: 401, code: 'wrong-login' })
    expect(wrong.cookies).toEqual([])
    const refused = await bench.audit('session.refused')
    expect(refused.map((entry) => entry.actor)).toEqual(['user:id-worker', 'anonymous'])
  })

  test('guesses at one login from one address run into a limit; others go on', async () => {
    const statuses: number[] = []
    for (let guess = 0; guess < 12; guess += 1) {
      statuses.push((await signIn('family', `guess ${guess}`, '10.0.0.2')).statusCode)
    }
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429])
    const right = await signIn('family', PASSWORD, '10.0.0.2')
    expect(right.json()).toMatchObject({ code: 'too-many-requests' })
    expect(right.headers['retry-after']).toBeDefined()
    expect((await signIn('worker', PASSWORD, '10.0.0.2')).statusCode).toBe(204)
    expect((await signIn('family', PASSWORD, '10.0.0.3')).statusCode).toBe(204)
  })
})

describe('whose guesses they are', () => {
  const guess = (on: Bench, claimed: string) => {
    const payload = { login: 'coordinator', password: 'a guess' }
    const headers = { 'x-forwarded-for': claimed }
    return on.app.inject({ method: 'POST', url: '/api/v1/session', payload, headers, remoteAddress: '10.0.0.9' })
  }

  test('without a proxy an address that somebody claims counts for nothing', async () => {
    for (let tries = 0; tries < 10; tries += 1) expect((await guess(bench, `203.0.113.${tries}`)).statusCode).toBe(401)
    const stopped = await guess(bench, '203.0.113.99')
    expect(stopped.statusCode).toBe(429)
    // The window is five minutes: who comes back after one would only be told so again.
    expect(Number(stopped.headers['retry-after'])).toBeGreaterThan(200)
  })

  test('a line with 2^64 addresses of its own is one address', async () => {
    const statuses = new Set<number>()
    for (let tries = 0; tries < 105; tries += 1) {
      statuses.add((await signIn(`nobody-${tries}`, 'a guess', `2001:db8::${tries.toString(16)}`)).statusCode)
    }
    expect([...statuses]).toEqual([401, 429])
  })

  test('behind a proxy that is named, people have each their own limit, and cannot claim another address', async () => {
    const behind = await openBench({ trustProxy: ['10.0.0.0/8'] })
    for (let tries = 0; tries < 10; tries += 1) {
      expect((await guess(behind, `192.0.2.${tries}, 203.0.113.1`)).statusCode).toBe(401)
    }
    expect((await guess(behind, '203.0.113.1')).statusCode).toBe(429)
    expect((await guess(behind, '203.0.113.2')).statusCode).toBe(401)
    await behind.close()
  })
})

describe('a session', () => {
  test('tells who it is, and ends by signing out', async () => {
    const family = await bench.signIn('family')
    expect((await bench.ask(family, 'GET', '/api/v1/me')).body).toEqual({
      id: 'id-family',
      login: 'family',
      name: 'Chen Mei',
      role: 'family',
      language: 'en',
      homes: [HOME],
      gridCells: [],
    })
    expect((await bench.ask(family, 'DELETE', '/api/v1/session')).status).toBe(204)
    expect((await bench.ask(family, 'GET', '/api/v1/me')).status).toBe(401)
    expect(await bench.audit('session.closed')).toMatchObject([{ actor: 'user:id-family' }])
  })

  test('ends by itself, and when its user is disabled or gets a new password', async () => {
    const late = await bench.signIn('resident')
    await bench.pool.query("update app_session set expires_at = now() - interval '1 s' where user_id = 'id-resident'")
    expect((await bench.ask(late, 'GET', '/api/v1/me')).status).toBe(401)
    const admin = await bench.signIn('admin')
    for (const change of [{ password: 'another password' }, { password: PASSWORD, disabled: true }]) {
      const cookie = await bench.store.sessions.open('installer', change.disabled ? 'another password' : PASSWORD)
      await bench.ask(admin, 'PATCH', '/api/v1/users/id-installer', change)
      expect((await bench.ask(`anlin_session=${cookie?.token}`, 'GET', '/api/v1/me')).status).toBe(401)
    }
    expect(await bench.store.sessions.open('installer', PASSWORD)).toBeNull()
  })
})

describe('another site', () => {
  const url = '/api/v1/incidents/home-001.1/acknowledge'
  test.each([
    ['without our header', {}],
    ['with a wrong one', { 'x-anlin-csrf': '0' }],
    ['from a sibling site', { 'x-anlin-csrf': '1', 'sec-fetch-site': 'same-site' }],
    ['from elsewhere', { 'x-anlin-csrf': '1', 'sec-fetch-site': 'cross-site' }],
  ])('cannot act with our cookie %s', async (_how, headers: Record<string, string>) => {
    const cookie = await bench.signIn('worker')
    const answer = await bench.app.inject({ method: 'POST', url, headers: { ...headers, cookie }, payload: {} })
    expect(answer.json()).toMatchObject({ status: 403, code: 'cross-site' })
  })

  test('cannot sign somebody in either', async () => {
    const answer = await bench.app.inject({
      method: 'POST',
      url: '/api/v1/session',
      headers: { 'sec-fetch-site': 'cross-site' },
      payload: { login: 'worker', password: PASSWORD },
    })
    expect(answer.json()).toMatchObject({ code: 'cross-site' })
  })

  test('our own page can', async () => {
    const cookie = await bench.signIn('worker')
    const headers = { cookie, 'x-anlin-csrf': '1', 'sec-fetch-site': 'same-origin' }
    expect((await bench.app.inject({ method: 'POST', url, headers, payload: {} })).json()).toMatchObject({
      code: 'not-found',
    })
  })
})
