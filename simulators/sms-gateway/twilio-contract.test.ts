import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type AnySchema } from 'ajv'
import formats from 'ajv-formats'
import twilio from 'twilio'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type SmsGateway, startSmsGateway } from './gateway.ts'

// Twilio's own description of its API judges every answer of the simulator.

/** For a machine that is busy with something else; nothing here waits for it when all is well. */
const PATIENCE = { timeout: 15_000, interval: 10 }
const ACCOUNT = { accountSid: `AC${'4'.repeat(32)}`, authToken: 'token-4', fromNumber: '+8615500000000' }
const TO = '+8615500004001'
const MESSAGES = `/2010-04-01/Accounts/${ACCOUNT.accountSid}/Messages`

type Contract = {
  paths: Record<string, Record<string, { responses: Record<string, { content: Record<string, unknown> }> }>>
  components: { schemas: Record<string, { properties?: Record<string, unknown> }> }
}
const contract: Contract = JSON.parse(readFileSync(join(import.meta.dirname, 'contract/twilio-messages.json'), 'utf8'))

const ajv = new Ajv({ allErrors: true, strict: false })
formats.default(ajv, ['date-time'])
ajv.addFormat('phone-number', /^\+[1-9]\d{6,14}$/)
ajv.addFormat('date-time-rfc-2822', /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} \+0000$/)
ajv.addFormat('currency', /^[A-Za-z]{3}$/)
ajv.addFormat('uri-map', true)
// Twilio calls them URIs and sends them without a host.
ajv.addFormat('uri', /^\/2010-04-01\/\S+$/)
ajv.addSchema(contract as AnySchema, 'twilio')

let gateway: SmsGateway
beforeAll(async () => {
  gateway = await startSmsGateway(ACCOUNT)
})
afterAll(() => gateway.close())

function schemaErrors(pointer: string, answer: unknown): unknown {
  const validate = ajv.getSchema(`twilio#${pointer}`)
  if (!validate) throw new Error(`no schema at ${pointer}`)
  return validate(answer) ? null : validate.errors
}

const MESSAGE = '/components/schemas/api.v2010.account.message'
const MESSAGE_FIELDS = Object.keys(contract.components.schemas['api.v2010.account.message']?.properties ?? {})
const LIST =
  '/paths/~12010-04-01~1Accounts~1{AccountSid}~1Messages.json/get/responses/200/content/application~1json/schema'

function ask(path: string, form?: Record<string, string>, password = ACCOUNT.authToken): Promise<Response> {
  return fetch(gateway.url + path, {
    method: form ? 'POST' : 'GET',
    headers: { authorization: `Basic ${Buffer.from(`${ACCOUNT.accountSid}:${password}`).toString('base64')}` },
    ...(form ? { body: new URLSearchParams(form) } : {}),
  })
}

type List = { messages: { body: string }[]; next_page_uri: string }

async function askForList(path: string): Promise<List> {
  return (await (await ask(path)).json()) as List
}

test('a created, a fetched and a received message are Messages as Twilio describes them, with every field', async () => {
  const created = await ask(`${MESSAGES}.json`, { To: TO, From: ACCOUNT.fromNumber, Body: '烟雾报警' })
  expect(created.status).toBe(201)
  const message = (await created.json()) as { uri: string }
  expect(schemaErrors(MESSAGE, message)).toBeNull()
  expect(Object.keys(message).sort()).toEqual([...MESSAGE_FIELDS].sort())
  expect(message).toMatchObject({ status: 'queued', date_sent: null, num_segments: '1', direction: 'outbound-api' })

  await expect
    .poll(async () => (await ask(message.uri)).json(), PATIENCE)
    .toMatchObject({ status: 'delivered', date_sent: expect.stringMatching(/\+0000$/) })
  expect(schemaErrors(MESSAGE, await (await ask(message.uri)).json())).toBeNull()

  await fetch(`${gateway.url}/phones/${TO}/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ body: '1' }),
  })
  const list = await askForList(`${MESSAGES}.json?From=${encodeURIComponent(TO)}`)
  expect(schemaErrors(LIST, list)).toBeNull()
  expect(list.messages).toMatchObject([{ direction: 'inbound', status: 'received', body: '1' }])
})

test('a list says where its pages are', async () => {
  for (let i = 0; i < 5; i += 1) await ask(`${MESSAGES}.json`, { To: TO, From: ACCOUNT.fromNumber, Body: `page ${i}` })
  const first = await askForList(`${MESSAGES}.json?PageSize=2&To=${encodeURIComponent(TO)}`)
  expect(schemaErrors(LIST, first)).toBeNull()
  expect(first).toMatchObject({ page: 0, page_size: 2, start: 0, end: 1, previous_page_uri: null })
  const second = await askForList(first.next_page_uri)
  expect(schemaErrors(LIST, second)).toBeNull()
  expect(second).toMatchObject({ page: 1, start: 2, end: 3 })
  expect([...first.messages, ...second.messages].map((message) => message.body)).toEqual([
    'page 4',
    'page 3',
    'page 2',
    'page 1',
  ])
})

test('DateSent filters by day and by time', async () => {
  const bodies = async (filter: string): Promise<number> =>
    (await askForList(`${MESSAGES}.json?${filter}`)).messages.length
  const today = new Date().toISOString().slice(0, 10)
  const all = await bodies('')
  expect(all).toBeGreaterThan(0)
  await expect.poll(() => bodies(`DateSent=${today}`), PATIENCE).toBe(all)
  expect(await bodies(`DateSent%3E=${today}`)).toBe(all)
  expect(await bodies(`DateSent%3C=${today}`)).toBe(all)
  expect(await bodies('DateSent%3E=2099-01-01')).toBe(0)
  expect(await bodies('DateSent%3C=2001-01-01')).toBe(0)
  expect(await bodies(`DateSent%3E=${new Date(Date.now() + 60_000).toISOString()}`)).toBe(0)
})

const GOOD = { To: TO, From: ACCOUNT.fromNumber, Body: 'x' }
test.each([
  { form: { ...GOOD, To: '123' }, code: 21211 },
  { form: { From: GOOD.From, Body: 'x' }, code: 21604 },
  { form: { To: TO, Body: 'x' }, code: 21603 },
  { form: { ...GOOD, From: '+8615500009999' }, code: 21606 },
  { form: { To: TO, From: GOOD.From }, code: 21602 },
  { form: { ...GOOD, Body: 'x'.repeat(1_601) }, code: 21617 },
  { form: { ...GOOD, StatusCallback: 'not a url' }, code: 21609 },
])('a message that Twilio would refuse is refused with $code', async ({ form, code }) => {
  const refused = await ask(`${MESSAGES}.json`, form)
  expect(refused.status).toBe(400)
  expect(await refused.json()).toEqual({
    code,
    message: expect.any(String),
    more_info: `https://www.twilio.com/docs/errors/${code}`,
    status: 400,
  })
})

test('strangers, unknown messages and other accounts get their errors', async () => {
  expect(await (await ask(`${MESSAGES}.json`, GOOD, 'wrong')).json()).toMatchObject({ code: 20003, status: 401 })
  expect(await (await ask(`${MESSAGES}/SM0.json`)).json()).toMatchObject({ code: 20404, status: 404 })
  expect(await (await ask('/2010-04-01/Accounts/AC0/Messages.json')).json()).toMatchObject({ code: 20404 })
  expect(await (await ask('/2010-04-01/Nothing.json')).json()).toMatchObject({ code: 20404 })
})

test('the whole client that Twilio publishes, with its own transport, finds nothing missing', async () => {
  const httpClient = new twilio.RequestClient()
  const direct = httpClient.request.bind(httpClient)
  httpClient.request = (asked) => direct({ ...asked, uri: asked.uri.replace('https://api.twilio.com', gateway.url) })
  const client = twilio(ACCOUNT.accountSid, ACCOUNT.authToken, { httpClient })

  const to = '+8615500004002'
  const sent = await client.messages.create({ to, from: ACCOUNT.fromNumber, body: '{12} €' })
  expect(sent).toMatchObject({ status: 'queued', numSegments: '1', dateCreated: expect.any(Date) })
  for (let i = 0; i < 6; i += 1) await client.messages.create({ to, from: ACCOUNT.fromNumber, body: `more ${i}` })
  expect(await client.messages.list({ to, pageSize: 2 })).toHaveLength(7)
  await expect.poll(async () => (await client.messages(sent.sid).fetch()).status, PATIENCE).toBe('delivered')
  await expect(client.messages.create({ to: '1', from: ACCOUNT.fromNumber, body: 'x' })).rejects.toMatchObject({
    code: 21211,
    status: 400,
    moreInfo: 'https://www.twilio.com/docs/errors/21211',
  })
})
