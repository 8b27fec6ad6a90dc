import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { HistoryStore } from '../ports.ts'
import { createInfluxHistory } from '../store/influx/influx-history.ts'
import { asked, point } from './testing/history-contract.ts'

/** What InfluxDB 2 and 3 answer by their documents and sources, played by a small server on their wire. */
type Answer = { status: number; headers?: Record<string, string>; body?: string }
type Request = { path: string; authorization: string | undefined; type: string | undefined; body: string }

let server: Server
let store: HistoryStore
let answers: Answer[]
let requests: Request[]

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { authorization, 'content-type': type } = request.headers
      requests.push({ path: request.url ?? '', authorization, type, body: Buffer.concat(chunks).toString() })
      const { status, headers = {}, body } = answers.shift() ?? { status: 204 }
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const address = { url, token: 'secret', org: 'anlin', bucket: 'care', api: 'v2' } as const
  store = createInfluxHistory(address, (text) => Buffer.from(text.padEnd(16)))
})
afterAll(() => new Promise((resolve) => server.close(resolve)))
beforeEach(() => {
  answers = []
  requests = []
})

const two = [point({ homeId: 'h' }), point({ homeId: 'h', atMs: 1_790_000_000_001, sequence: 42 })]

test('writes line protocol with floats and nanoseconds to /api/v2/write', async () => {
  await store.append(two)
  expect(requests).toMatchObject([
    { path: '/api/v2/write?org=anlin&bucket=care', authorization: 'Token secret', type: 'text/plain; charset=utf-8' },
  ])
  const [, second] = requests[0]?.body.split('\n') ?? []
  expect(second).toMatch(
    /^reading,home=[\w-]{22},device=[\w-]{22},kind=sleep-monitor heartRatePerMin=60 1790000000001000042$/,
  )
})

test.each<[string, Answer, Record<string, unknown>]>([
  ['201 confirms nothing', { status: 201 }, { code: 'unavailable' }],
  ['200 confirms nothing', { status: 200 }, { code: 'unavailable' }],
  [
    '500 with a text that the client takes for success',
    { status: 500, body: '{"error":"hinted handoff queue not empty"}' },
    { code: 'unavailable' },
  ],
  [
    '429 asks for three seconds, not milliseconds',
    { status: 429, headers: { 'retry-after': '3' } },
    { code: 'unavailable', retryAfterMs: 3_000 },
  ],
  ['503 may name no time', { status: 503 }, { code: 'unavailable', retryAfterMs: null }],
  ['401', { status: 401, body: '{"code":"unauthorized"}' }, { code: 'denied' }],
  ['404 for a bucket that is not there', { status: 404, body: '{"code":"not found"}' }, { code: 'denied' }],
  [
    '422, version 2: some are stored',
    {
      status: 422,
      body: '{"code":"unprocessable entity","message":"failure writing points to database: partial write: field type conflict dropped=1"}',
    },
    { code: 'refused' },
  ],
  [
    '400, version 3: lines with their errors',
    {
      status: 400,
      body: '{"error":"partial write of line protocol occurred","data":[{"original_line":"reading","line_number":1,"error_message":"invalid"}]}',
    },
    { code: 'refused' },
  ],
  [
    '422, version 3: too many columns',
    { status: 422, body: '{"error":"Update to schema would exceed number of columns per table limit of 500"}' },
    { code: 'capacity' },
  ],
])('%s', async (_story, answer, expected) => {
  answers = [answer]
  await expect(store.append(two)).rejects.toMatchObject(expected)
  expect(requests.length).toBe(1)
})

test('413 halves the batch until it fits, and a single point that does not fit is refused', async () => {
  answers = [{ status: 413 }]
  await store.append(two)
  expect(requests.map(({ body }) => body.split('\n').length)).toEqual([2, 1, 1])
  answers = [{ status: 413 }]
  await expect(store.append(two.slice(1))).rejects.toMatchObject({ code: 'refused' })
})

test('what is older than version 2 keeps does not hold up the rest', async () => {
  answers = [
    {
      status: 422,
      body: '{"message":"failure writing points to database: partial write: points beyond retention policy dropped=1"}',
    },
  ]
  await expect(store.append(two)).resolves.not.toThrow()
})

test('no error quotes what somebody measured', async () => {
  const line = 'reading,home=abc,device=def,kind=sleep-monitor heartRatePerMin=61 1790000000001000042'
  answers = [
    { status: 400, body: JSON.stringify({ error: `partial write: unable to parse '${line}': bad timestamp` }) },
  ]
  const error = await store.append(two).catch((caught: unknown) => caught)
  expect(String(error)).toContain("unable to parse '…': bad timestamp")
})

test('nobody there is unknown, and no error carries the token', async () => {
  const nobody = createInfluxHistory(
    { url: 'http://127.0.0.1:9', token: 'secret', org: '', bucket: 'care', api: 'v2' },
    (text) => Buffer.from(text.padEnd(16)),
  )
  const error = await nobody.append(two).catch((caught: unknown) => caught)
  expect(error).toMatchObject({ code: 'unavailable' })
  expect(JSON.stringify(error) + String(error)).not.toContain('secret')
})

test('asks in InfluxQL, by POST, with ids as parameters, and takes an error that comes with status 200', async () => {
  answers = [
    {
      status: 200,
      body: '{"results":[{"statement_id":0,"series":[{"name":"reading","values":[[1000,61.5],[2000,null]]}]}]}',
    },
    { status: 200, body: '{"results":[{"statement_id":0,"error":"query timeout"}]}' },
  ]
  expect(await store.read(asked({ homeId: 'h' }))).toEqual([{ atMs: 1_000, value: 61.5 }])
  await expect(store.read(asked({ homeId: 'h' }))).rejects.toThrow('query timeout')
  await expect(store.read(asked({ homeId: 'h', windowMs: 1, timeZone: "x')" }))).rejects.toThrow('time zone')
  expect(requests[0]).toMatchObject({
    path: '/query?db=care&epoch=ms',
    type: 'application/x-www-form-urlencoded',
    authorization: 'Token secret',
  })
  const form = new URLSearchParams(requests[0]?.body)
  expect(form.get('q')).toContain('home = $home AND device = $device')
  expect(Object.keys(JSON.parse(form.get('params') ?? '{}'))).toEqual(['home', 'device'])
})
