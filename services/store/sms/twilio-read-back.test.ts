import { afterAll, beforeAll, expect, test } from 'vitest'
import { type SmsGateway, startSmsGateway } from '../../../simulators/sms-gateway/gateway.ts'
import type { SmsProvider } from '../../ports.ts'
import { createTwilioSms } from './twilio.ts'

/** For a machine that is busy with something else; nothing here waits for it when all is well. */
const PATIENCE = { timeout: 15_000, interval: 10 }
const ACCOUNT = { accountSid: `AC${'2'.repeat(32)}`, authToken: 'token-2', fromNumber: '+8615500000000' }

let gateway: SmsGateway
let sms: SmsProvider

beforeAll(async () => {
  // Nobody takes the webhooks: what is read back here was missed.
  gateway = await startSmsGateway({
    ...ACCOUNT,
    incomingWebhookUrl: 'http://127.0.0.1:9/webhooks/twilio/incoming-message',
  })
  sms = createTwilioSms({ ...ACCOUNT, apiUrl: gateway.url })
})
afterAll(async () => {
  sms.close()
  await gateway.close()
})

async function reply(from: string, body: string): Promise<void> {
  const response = await fetch(`${gateway.url}/phones/${from}/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ body }),
  })
  expect(response.status).toBe(201)
}

async function send(to: string, body: string): Promise<string> {
  const sent = await sms.send({ to, body })
  if (sent.outcome !== 'accepted') throw new Error(`not accepted: ${sent.outcome}`)
  return sent.providerId
}

test('replies that came while we were down are read back page by page, each once', async () => {
  const sinceMs = Date.now()
  for (let i = 10; i < 17; i += 1) await reply(`+86155000020${i}`, `1 ${i}`)
  await send('+8615500002099', 'ours, not a reply')

  const bodies: string[] = []
  let cursor: string | undefined
  let pages = 0
  do {
    const page = await sms.listIncoming({ sinceMs, limit: 3, ...(cursor === undefined ? {} : { cursor }) })
    expect(page.messages.length).toBeLessThanOrEqual(3)
    for (const message of page.messages) {
      expect(message.to).toBe(ACCOUNT.fromNumber)
      expect(message.sentAtMs).toBeGreaterThanOrEqual(Math.floor(sinceMs / 1_000) * 1_000)
      bodies.push(message.body)
    }
    // A reply that comes between two pages neither hides nor doubles another.
    if (pages === 0) await reply('+8615500002050', 'late')
    pages += 1
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)

  expect(pages).toBe(3)
  expect(bodies).toEqual(['1 16', '1 15', '1 14', '1 13', '1 12', '1 11', '1 10'])
  const again = await sms.listIncoming({ sinceMs, limit: 1_000 })
  expect(again.messages[0]?.body).toBe('late')
  expect(again.nextCursor).toBeNull()
})

test('a message is followed to its delivery, or to its failure with a reason', async () => {
  const delivered = await send('+8615500002101', 'to be delivered')
  await expect
    .poll(() => sms.fetchStatus(delivered), PATIENCE)
    .toEqual({ providerId: delivered, state: 'delivered', errorCode: null })

  await fetch(`${gateway.url}/faults`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ match: { to: '+8615500002102' }, mode: 'undelivered' }),
  })
  const failed = await send('+8615500002102', 'to be lost')
  await expect
    .poll(() => sms.fetchStatus(failed), PATIENCE)
    .toEqual({ providerId: failed, state: 'failed', errorCode: 'twilio-30003' })
})

test('an id that the gateway does not know is null, not an error', async () => {
  expect(await sms.fetchStatus(`SM${'0'.repeat(32)}`)).toBeNull()
})

test('the look-up crosses pages and gives up loudly rather than say "not there"', async () => {
  const to = '+8615500002201'
  const sinceMs = Date.now()
  await send(to, 'the one sought')
  for (let i = 0; i < 120; i += 1) await send(to, `another ${i}`)
  expect(await sms.find({ to, body: 'the one sought', sinceMs })).toHaveLength(1)
  for (let i = 0; i < 400; i += 1) await send(to, `and another ${i}`)
  await expect(sms.find({ to, body: 'the one sought', sinceMs })).rejects.toMatchObject({ code: 'too-many-messages' })
})

test('a cursor that leads to another host is refused before our password goes there', async () => {
  const asked = sms.listIncoming({ sinceMs: 0, limit: 1, cursor: 'http://127.0.0.1:9/2010-04-01/' })
  await expect(asked).rejects.toMatchObject({ code: 'foreign-url' })
})
