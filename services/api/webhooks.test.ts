import { getExpectedTwilioSignature } from 'twilio/lib/webhooks/webhooks.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AUTH_TOKEN, type Bench, openBench, PUBLIC_URL } from './testing/bench.ts'
import { HOME } from './testing/community.ts'

const RECEIPT = '/webhooks/twilio/message-status'
const INCOMING = '/webhooks/twilio/incoming-message'
const DAUGHTER = '+8615500000101'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

function push(url: string, params: Record<string, string>, signature?: string) {
  const signed = signature ?? getExpectedTwilioSignature(AUTH_TOKEN, PUBLIC_URL + url, params)
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signed }
  return bench.app.inject({ method: 'POST', url, headers, payload: new URLSearchParams(params).toString() })
}

function reply(body: string, sid: string) {
  return push(INCOMING, { MessageSid: sid, From: DAUGHTER, To: '+8615500000000', Body: body })
}

async function code(): Promise<number> {
  const { rows } = await bench.pool.query<{ code: number }>(
    "select code from outbox where recipient = 'contact:c1' and code is not null order by created_at desc limit 1",
  )
  return rows[0]?.code ?? 0
}

test('a reply is answered only when it is committed, and the same reply again changes nothing', async () => {
  const incidentId = await bench.raise(HOME)
  await bench.send()
  const text = `1 ${await code()}`
  const answer = await reply(text, 'SM1')
  expect(answer.statusCode).toBe(200)
  expect(answer.headers['content-type']).toBe('text/xml; charset=utf-8')
  expect(answer.body).toBe('<?xml version="1.0" encoding="UTF-8"?><Response></Response>')
  const admin = await bench.signIn('admin')
  const read = () => bench.ask(admin, 'GET', `/api/v1/incidents/${incidentId}`)
  const before = await read()
  // Who answers by SMS is the same person that signs in: the page knows its own.
  expect(before.body.takenBy).toMatchObject({ id: 'id-family', name: 'Chen Mei', role: 'family-keyholder' })
  expect(before.body.takenByFamily).toBe(true)
  expect((await reply(text, 'SM1')).statusCode).toBe(200)
  expect((await read()).body.timeline).toEqual(before.body.timeline)
})

test('a receipt belongs to the message that its address names', async () => {
  const { rows } = await bench.pool.query<{ outbox_id: string; provider_id: string }>(
    'select outbox_id, provider_id from outbox order by created_at limit 1',
  )
  const { outbox_id: outboxId, provider_id: MessageSid } = rows[0] ?? { outbox_id: '', provider_id: '' }
  const url = `${RECEIPT}?outboxId=${encodeURIComponent(outboxId)}`
  const answer = await push(url, { MessageSid, MessageStatus: 'delivered' })
  expect(answer.statusCode).toBe(204)
  const settled = await bench.pool.query('select status, provider_id from outbox where outbox_id = $1', [outboxId])
  expect(settled.rows).toEqual([{ status: 'delivered', provider_id: MessageSid }])
  expect((await push(url, { MessageSid, MessageStatus: 'no such state' })).statusCode).toBe(204)
})

test('without the provider’s signature nothing is taken', async () => {
  const params = { MessageSid: 'SM2', From: DAUGHTER, To: '+8615500000000', Body: '1 10' }
  for (const signature of ['', 'wrong', getExpectedTwilioSignature('another key', PUBLIC_URL + INCOMING, params)]) {
    const answer = await push(INCOMING, params, signature)
    expect(answer.json()).toMatchObject({ status: 403, code: 'not-signed-by-provider' })
  }
  const changed = getExpectedTwilioSignature(AUTH_TOKEN, PUBLIC_URL + INCOMING, { ...params, Body: '2 10' })
  expect((await push(INCOMING, params, changed)).statusCode).toBe(403)
  const { rows } = await bench.pool.query("select 1 from incoming_message where provider_id = 'SM2'")
  expect(rows).toEqual([])
})

test('a database that is away is answered with an error, so that the provider knows', async () => {
  const away = await openBench({ onIncomingMessage: () => Promise.reject(new Error('the database is away')) })
  const params = { MessageSid: 'SM3', From: DAUGHTER, To: '+8615500000000', Body: '1' }
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'x-twilio-signature': getExpectedTwilioSignature(AUTH_TOKEN, PUBLIC_URL + INCOMING, params),
  }
  const payload = new URLSearchParams(params).toString()
  const answer = await away.app.inject({ method: 'POST', url: INCOMING, headers, payload })
  await away.close()
  expect(answer.json()).toMatchObject({ status: 500, code: 'internal' })
})
