import { connect } from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bench, openBench } from './testing/bench.ts'
import { HOME } from './testing/community.ts'

let bench: Bench
let worker: string
let port: number
const logged: Record<string, unknown>[] = []
let fails = (): Promise<never> => Promise.reject(new Error('password=hunter2 at 10.0.0.7'))
beforeAll(async () => {
  const log = { info() {}, warn() {}, debug() {}, error: (fields: Record<string, unknown>) => void logged.push(fields) }
  bench = await openBench({
    log,
    readiness: () => fails(),
  })
  worker = await bench.signIn('worker')
  port = Number(new URL((await bench.api.listen({ host: '127.0.0.1', port: 0 })).url).port)
})
afterAll(() => bench.close())

function send(contentType: string | null, payload: string) {
  const headers = {
    cookie: worker,
    'x-anlin-csrf': '1',
    ...(contentType === null ? {} : { 'content-type': contentType }),
  }
  return bench.app.inject({ method: 'POST', url: '/api/v1/incidents/home-001.1/resolve', headers, payload })
}

describe('a body gets past no check', () => {
  const hostile = JSON.stringify({ outcome: 'no such outcome' })
  // Fastify before 5.7.2 let a tab, and before 5.8.1 trailing garbage, choose a parser without its schema.
  test.each([
    'application/json\ta',
    'application/json\t; charset=utf-8',
    'application/json; garbage',
    'application/json;\tcharset=utf-8',
    'application/jsonx',
    'application/json garbage',
    'APPLICATION/JSON',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/vnd.api+json',
    '',
  ])('by the content type %j', async (contentType) => {
    const answer = await send(contentType, hostile)
    expect([400, 415]).toContain(answer.statusCode)
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
  })

  test.each([
    '{"outcome":"real"}garbage',
    '{"outcome":"real"',
    '[]',
    '"real"',
    'null',
    '',
    '{"__proto__":{"a":1},"outcome":"real"}',
  ])('by its form %j', async (payload) => {
    expect((await send('application/json', payload)).json()).toMatchObject({ status: 400 })
  })

  test('by its size', async () => {
    const answer = await send('application/json', JSON.stringify({ outcome: 'real', note: 'x'.repeat(70_000) }))
    expect(answer.json()).toMatchObject({ status: 413, code: 'too-large' })
  })
})

describe('an error says which field, and nothing of ours', () => {
  test.each([
    [{ outcome: 'real', personSeenOrHeard: 'true' }, 'personSeenOrHeard'],
    [{}, 'outcome'],
    [{ outcome: 'real', extra: 1 }, 'extra'],
    [{ outcome: 'real', note: 'a\u0000b' }, 'note'],
  ])('%j', async (body, field) => {
    const answer = await send('application/json', JSON.stringify(body))
    expect(answer.json()).toMatchObject({ status: 400, code: 'invalid-field', field })
  })

  test.each([
    ['?status=closed', 'status'],
    ['?limit=0', 'limit'],
    ['?limit=abc', 'limit'],
    ['?from=yesterday', 'from'],
  ])('in a query %s', async (query, field) => {
    const { body } = await bench.ask(worker, 'GET', `/api/v1/incidents${query}`)
    expect(body).toMatchObject({ status: 400, code: 'invalid-field', field })
  })

  test('a fault of ours is logged with its cause and told without it', async () => {
    const answer = await bench.app.inject('/readyz')
    expect(answer.statusCode).toBe(500)
    expect(answer.json()).toEqual({
      type: 'about:blank',
      title: 'Something went wrong on our side',
      status: 500,
      code: 'internal',
    })
    expect(logged).toMatchObject([{ route: '/readyz', err: { message: 'password=hunter2 at 10.0.0.7' } }])
  })

  test('odd addresses are nobody’s, whatever they hold', async () => {
    for (const path of [
      '/nowhere',
      '/api/v1/nothing',
      `/api/v1/homes/${'x'.repeat(300)}`,
      '/api/v1/homes/%00',
      '/%zz',
      '/api/v1/incidents/%2e%2e',
    ]) {
      const answer = await bench.ask(worker, 'GET', path)
      expect([path, answer.status < 500, answer.headers['content-type']]).toEqual([
        path,
        true,
        'application/problem+json; charset=utf-8',
      ])
    }
  })

  test('a cursor that nobody gave out harms nothing', async () => {
    for (const cursor of ['x', '2026-13-45 99:99:99+00~a', "'; drop table home", '9999999999999999999-1']) {
      for (const path of ['incidents', 'homes', `homes/${HOME}/observations`]) {
        const { status } = await bench.ask(worker, 'GET', `/api/v1/${path}?cursor=${encodeURIComponent(cursor)}`)
        expect([path, cursor, status < 500]).toEqual([path, cursor, true])
      }
    }
  })
})

test('every answer carries the headers of a strict page, an unreadable request included', async () => {
  for (const path of ['/', '/docs', '/api/v1/me', '/nowhere', '/a/x', '/pages.css']) {
    const { headers } = await bench.app.inject(path)
    expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
    expect(headers).not.toHaveProperty('access-control-allow-origin')
  }
  for (const [request, status, code] of [
    ['GET / HTTP/1.1\r\nbroken header\r\n\r\n', 400, 'invalid-request'],
    [`GET / HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers-too-large'],
  ] as const) {
    const raw = await rawAnswer(request)
    const [head = '', body = ''] = raw.split('\r\n\r\n')
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(head.toLowerCase()).toContain('content-type: application/problem+json; charset=utf-8')
    expect(head.toLowerCase()).toContain("content-security-policy: default-src 'none'")
    expect(JSON.parse(body)).toMatchObject({ status, code })
  }
})

function rawAnswer(request: string): Promise<string> {
  return new Promise<string>((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    socket.on('data', (data) => {
      answer += data
    })
    socket.once('close', () => resolve(answer))
    socket.once('error', reject)
  })
}

test('a second that no clock here knows is a wrong field', async () => {
  const leap = '2026-12-31T23:59:60Z'
  for (const path of [`incidents?from=${leap}`, `incidents?to=${leap}`, `homes/${HOME}/observations?from=${leap}`]) {
    expect((await bench.ask(worker, 'GET', `/api/v1/${path}`)).body).toMatchObject({
      status: 400,
      code: 'invalid-field',
    })
  }
  const body = { testModeUntil: leap }
  const answer = await bench.ask(await bench.signIn('admin'), 'PATCH', `/api/v1/homes/${HOME}`, body)
  expect(answer.body).toMatchObject({ status: 400, code: 'invalid-field', field: 'testModeUntil' })
})

test('an address that takes other methods says which', async () => {
  for (const [method, path, allow] of [
    ['DELETE', '/api/v1/homes', 'GET, HEAD, POST'],
    ['PATCH', `/api/v1/homes/${HOME}/devices/sos-bath/revoke`, 'POST'],
    ['POST', '/healthz', 'GET, HEAD'],
  ] as const) {
    const answer = await bench.ask(worker, method, path)
    expect(answer.body).toMatchObject({ status: 405, code: 'method-not-allowed' })
    expect(answer.headers.allow).toBe(allow)
  }
  expect((await bench.ask(worker, 'POST', '/nowhere')).body).toMatchObject({ status: 404 })
})

test('a database that is away is no fault in the program: 503, try again', async () => {
  const usual = fails
  /** As when a process stood still in a transaction for longer than the server lets it. */
  const endedBetweenTwoQueries = async () => {
    const client = await bench.pool.connect()
    client.on('error', () => undefined)
    const ended = new Promise((resolve) => client.once('error', resolve))
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    await bench.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    await ended
    await client.query('select 1').finally(() => client.release(true))
  }
  for (const away of [
    () => new pg.Client({ host: '127.0.0.1', port: 1 }).connect(),
    () => bench.pool.query('select pg_terminate_backend(pg_backend_pid())'),
    () => new pg.Pool({ connectionString: bench.databaseUrl, query_timeout: 50 }).query('select pg_sleep(1)'),
    endedBetweenTwoQueries,
    () => bench.pool.query('set statement_timeout = 20; select pg_sleep(1)').finally(() => undefined),
  ]) {
    fails = async () => {
      await away()
      throw new Error('it was there')
    }
    const answer = await bench.app.inject('/readyz')
    expect(answer.json()).toMatchObject({ status: 503, code: 'unavailable' })
    expect(answer.headers['retry-after']).toBeDefined()
  }
  fails = usual
})
