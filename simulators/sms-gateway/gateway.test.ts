import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type SmsGateway, startSmsGateway } from './gateway.ts'
import { segmentCount } from './message-resource.ts'
import { createMessageStore } from './message-store.ts'

/** For a machine that is busy with something else; nothing here waits for it when all is well. */
const PATIENCE = { timeout: 15_000, interval: 10 }
const ACCOUNT = { accountSid: `AC${'5'.repeat(32)}`, authToken: 'token-5', fromNumber: '+8615500000000' }
const TO = '+8615500005001'

let gateway: SmsGateway
beforeAll(async () => {
  gateway = await startSmsGateway(ACCOUNT)
})
afterAll(() => gateway.close())

function send(body: string, to = TO): Promise<Response> {
  return fetch(`${gateway.url}/2010-04-01/Accounts/${ACCOUNT.accountSid}/Messages.json`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${ACCOUNT.accountSid}:${ACCOUNT.authToken}`)}` },
    body: new URLSearchParams({ To: to, From: ACCOUNT.fromNumber, Body: body }),
  })
}

function control(method: string, path: string, body?: object): Promise<Response> {
  return fetch(gateway.url + path, {
    method,
    ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
  })
}

test('what was sent and what was answered is seen on the phone, in order, to the millisecond', async () => {
  const since = new Date().toISOString()
  await send('first')
  await control('POST', `/phones/${TO}/messages`, { body: 'an answer' })
  await send('second')
  await send('elsewhere', '+8615500005002')

  const onPhone = await (await control('GET', `/phones/${TO}/messages`)).json()
  expect(onPhone).toMatchObject([
    { direction: 'outbound-api', body: 'first' },
    { direction: 'inbound', body: 'an answer', status: 'received' },
    { direction: 'outbound-api', body: 'second' },
  ])
  expect(await (await control('GET', '/phones')).json()).toEqual([
    { number: TO, messages: 3 },
    { number: '+8615500005002', messages: 1 },
  ])
  const all = (await (await control('GET', `/messages?since=${since}`)).json()) as { body: string; at: string }[]
  expect(all.map((message) => message.body)).toEqual(['first', 'an answer', 'second', 'elsewhere'])
  for (const message of all) expect(message.at).toMatch(/\.\d{3}Z$/)
  expect(await (await control('GET', '/messages?since=2099-01-01T00:00:00Z')).json()).toEqual([])
})

test('requests are counted by what became of them', async () => {
  const counted = async (outcome: string): Promise<number> => {
    const answer = await control('GET', '/requests')
    const counts = (await answer.json()) as { method: string; outcome: string; count: number }[]
    return counts.find((line) => line.method === 'POST' && line.outcome === outcome)?.count ?? 0
  }
  const before = { accepted: await counted('accepted'), dropped: await counted('dropped-after-accept') }
  await control('PUT', '/faults', { match: { to: TO, channel: 'sms' }, mode: 'drop-after-accept' })
  await expect(send('doubled')).rejects.toThrow()
  await control('DELETE', '/faults')
  await send('doubled')
  expect(await counted('accepted')).toBe(before.accepted + 1)
  expect(await counted('dropped-after-accept')).toBe(before.dropped + 1)
})

test('the last rule that fits wins, one number apart from all, and there is an end to rules', async () => {
  await control('PUT', '/faults', { mode: 'http-500' })
  await control('PUT', '/faults', { match: { to: TO }, mode: 'ok' })
  expect((await send('for all but this number')).status).toBe(201)
  expect((await send('for all', '+8615500005003')).status).toBe(500)
  await control('PUT', '/faults', { match: { to: TO }, mode: 'rate-limit' })
  expect((await send('the same match again')).status).toBe(429)
  expect(await (await control('GET', '/faults')).json()).toHaveLength(2)
  for (let i = 100; i < 198; i += 1) await control('PUT', '/faults', { match: { to: `+861550000${i}` }, mode: 'ok' })
  expect((await control('PUT', '/faults', { match: { to: '+8615500006000' }, mode: 'ok' })).status).toBe(400)
  expect((await control('DELETE', '/faults')).status).toBe(204)
  expect((await send('healthy again')).status).toBe(201)
})

test.each([
  ['PUT', '/faults', { mode: 'explode' }],
  ['PUT', '/faults', { mode: 'ok', probability: 2 }],
  ['PUT', '/faults', { mode: 'ok', mood: 'bad' }],
  ['POST', '/phones/12/messages', { body: 'x' }],
  ['POST', `/phones/${TO}/messages`, { body: '' }],
  ['GET', '/messages?since=yesterday', undefined],
] as const)('%s %s with nonsense is refused', async (method, path, body) => {
  expect((await control(method, path, body)).status).toBe(400)
})

test('closing does not wait for a request that hangs', async () => {
  const other = await startSmsGateway(ACCOUNT)
  await fetch(`${other.url}/faults`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ mode: 'hang' }),
  })
  const hanging = fetch(`${other.url}/2010-04-01/Accounts/${ACCOUNT.accountSid}/Messages.json`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${ACCOUNT.accountSid}:${ACCOUNT.authToken}`)}` },
    body: new URLSearchParams({ To: TO, From: ACCOUNT.fromNumber, Body: 'x' }),
  }).catch((error: Error) => error)
  await expect
    .poll(async () => JSON.stringify(await (await fetch(`${other.url}/requests`)).json()), PATIENCE)
    .toContain('hung')
  await other.close()
  expect(await hanging).toBeInstanceOf(Error)
})

test('the page allows scripts from its own files only and loads nothing else', async () => {
  const page = await control('GET', '/')
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'")
  const html = await page.text()
  expect(html).not.toMatch(/<script(?![^>]*src=)|<style|\son[a-z]+=|style=/)
  for (const [, file] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
    expect((await control('GET', String(file))).status).toBe(200)
  }
})

test('memory is bounded: the oldest message goes', () => {
  const store = createMessageStore()
  const add = (body: string) =>
    store.add({ direction: 'inbound', from: TO, to: '+8615500000000', body, statusCallback: null })
  const first = add('first')
  for (let i = 0; i < 20_000; i += 1) add('x')
  expect(store.get(first.sid)).toBeUndefined()
  expect([...store.all()]).toHaveLength(20_000)
})

test('segments are counted as the networks do', () => {
  expect(segmentCount('a'.repeat(160))).toBe(1)
  expect(segmentCount('a'.repeat(161))).toBe(2)
  expect(segmentCount('€'.repeat(80))).toBe(1)
  expect(segmentCount('€'.repeat(81))).toBe(2)
  expect(segmentCount('安'.repeat(70))).toBe(1)
  expect(segmentCount('安'.repeat(71))).toBe(2)
  expect(segmentCount('安'.repeat(135))).toBe(3)
  fc.assert(fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (body) => segmentCount(body) >= 1))
})
