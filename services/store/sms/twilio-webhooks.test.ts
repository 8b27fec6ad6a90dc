import formbody from '@fastify/formbody'
import fc from 'fast-check'
import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type SmsGateway, startSmsGateway } from '../../../simulators/sms-gateway/gateway.ts'
import type { IncomingSms, SmsDelivery, SmsProvider, SmsWebhooks } from '../../ports.ts'
import { deliveryStateOf, leadsFurther } from './sms-delivery.ts'
import { createTwilioSms } from './twilio.ts'
import { createTwilioWebhooks } from './twilio-webhooks.ts'

/** For a machine that is busy with something else; nothing here waits for it when all is well. */
const PATIENCE = { timeout: 15_000, interval: 10 }
const ACCOUNT = { accountSid: `AC${'3'.repeat(32)}`, authToken: 'token-3', fromNumber: '+8615500000000' }
const TO = '+8615500003001'

type Post = { atMs: number; pathAndQuery: string; params: Record<string, unknown>; signature: string | undefined }

let platform: FastifyInstance
let publicUrl: string
let webhooks: SmsWebhooks
let gateway: SmsGateway
let sms: SmsProvider
/** Everything that came, signed or not. */
let posts: Post[]

beforeEach(async () => {
  posts = []
  platform = fastify({ forceCloseConnections: true })
  await platform.register(formbody)
  platform.post('/webhooks/twilio/*', async (request, reply) => {
    const signature = request.headers['x-twilio-signature']
    posts.push({
      atMs: performance.now(),
      pathAndQuery: request.url,
      params: request.body as Record<string, unknown>,
      signature: Array.isArray(signature) ? signature[0] : signature,
    })
    return reply.code(204).send()
  })
  publicUrl = await platform.listen({ port: 0, host: '127.0.0.1' })
  webhooks = createTwilioWebhooks({ authToken: ACCOUNT.authToken, publicUrl: `${publicUrl}/` })
  gateway = await startSmsGateway(ACCOUNT)
  gateway.setIncomingWebhookUrl(`${publicUrl}/webhooks/twilio/incoming-message`)
  sms = createTwilioSms({ ...ACCOUNT, apiUrl: gateway.url })
})
afterEach(async () => {
  sms.close()
  await gateway.close()
  await platform.close()
})

async function fault(mode: string, delayMs = 0): Promise<void> {
  await fetch(`${gateway.url}/faults`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ match: { to: TO }, mode, delayMs }),
  })
}

async function send(statusCallbackUrl?: string): Promise<string> {
  const sent = await sms.send({ to: TO, body: '煤气报警', ...(statusCallbackUrl ? { statusCallbackUrl } : {}) })
  if (sent.outcome !== 'accepted') throw new Error(`not accepted: ${sent.outcome}`)
  return sent.providerId
}

function receiptUrl(outboxId: string): string {
  return `${publicUrl}/webhooks/twilio/message-status?outbox=${outboxId}`
}

function receipts(): (SmsDelivery | null)[] {
  return posts.map((post) => {
    expect(webhooks.isSigned(post)).toBe(true)
    return webhooks.readReceipt(post.params)
  })
}

/** What is left when each receipt is taken only if it leads further. */
function settled(): SmsDelivery['state'] {
  return receipts().reduce<SmsDelivery['state']>(
    (state, receipt) => (receipt && leadsFurther(state, receipt.state) ? receipt.state : state),
    'accepted',
  )
}

test('signed receipts lead a message from accepted to delivered and name our own id', async () => {
  const providerId = await send(receiptUrl('42'))
  await expect.poll(receipts, PATIENCE).toEqual([
    { providerId, state: 'accepted', errorCode: null },
    { providerId, state: 'delivered', errorCode: null },
  ])
  expect(posts[0]?.pathAndQuery).toBe('/webhooks/twilio/message-status?outbox=42')
})

test('a message that the network gave up on ends as failed, with the reason', async () => {
  await fault('undelivered')
  const providerId = await send(receiptUrl('43'))
  await expect
    .poll(() => receipts().at(-1), PATIENCE)
    .toEqual({ providerId, state: 'failed', errorCode: 'twilio-30003' })
})

test('doubled and disordered receipts end where single ones do', async () => {
  await fault('duplicate-receipts')
  await send(receiptUrl('44'))
  await expect.poll(receipts, PATIENCE).toHaveLength(4)
  expect(posts.map((post) => post.params.MessageStatus)).not.toEqual(['sent', 'sent', 'delivered', 'delivered'])
  expect(settled()).toBe('delivered')
})

test('late receipts come so much later, each of them', async () => {
  await fault('late-receipts', 1_500)
  const sentAtMs = performance.now()
  const providerId = await send(receiptUrl('45'))
  await expect.poll(() => sms.fetchStatus(providerId), PATIENCE).toMatchObject({ state: 'delivered' })
  await expect.poll(settled, PATIENCE).toBe('delivered')
  // A timer may fire a fraction of a millisecond early.
  for (const { atMs } of posts) expect(atMs - sentAtMs).toBeGreaterThanOrEqual(1_499)
})

test('accepted and never delivered: one receipt that it was sent, then nothing more', async () => {
  await fault('accepted-never-delivered')
  const providerId = await send(receiptUrl('46'))
  await expect.poll(receipts, PATIENCE).toEqual([{ providerId, state: 'accepted', errorCode: null }])
  await fault('ok')
  await send(receiptUrl('47'))
  await expect.poll(() => posts.at(-1)?.params.MessageStatus, PATIENCE).toBe('delivered')
  expect(posts.filter((post) => post.pathAndQuery.endsWith('=46'))).toHaveLength(1)
})

test('no receipts where the gateway keeps them or nobody asked', async () => {
  const unasked = await send()
  await fault('no-receipts')
  const kept = await send(receiptUrl('48'))
  await expect.poll(() => sms.fetchStatus(kept), PATIENCE).toMatchObject({ state: 'delivered' })
  await expect.poll(() => sms.fetchStatus(unasked), PATIENCE).toMatchObject({ state: 'delivered' })
  expect(posts).toEqual([])
})

test('a person answers: the reply comes signed, and neither its text, address nor signer can be another', async () => {
  await fetch(`${gateway.url}/phones/${TO}/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ body: '１ 37 收到，马上到' }),
  })
  await expect.poll(() => posts, PATIENCE).toHaveLength(1)
  const [post] = posts
  if (!post) throw new Error('nothing came')
  const expected: IncomingSms = {
    providerId: expect.stringMatching(/^SM/),
    from: TO,
    to: ACCOUNT.fromNumber,
    body: '１ 37 收到，马上到',
    sentAtMs: null,
  }
  expect(webhooks.isSigned(post)).toBe(true)
  expect(webhooks.readIncoming(post.params)).toEqual(expected)
  expect(webhooks.readReceipt(post.params)).toBeNull()

  expect(webhooks.isSigned({ ...post, params: { ...post.params, Body: '1 38' } })).toBe(false)
  expect(webhooks.isSigned({ ...post, pathAndQuery: '/webhooks/twilio/message-status' })).toBe(false)
  expect(webhooks.isSigned({ ...post, signature: undefined })).toBe(false)
  expect(webhooks.isSigned({ ...post, signature: 'x' })).toBe(false)
  const stranger = createTwilioWebhooks({ authToken: 'another token', publicUrl })
  expect(stranger.isSigned(post)).toBe(false)
})

test('whatever is posted to us is read or is null, and never throws', () => {
  const field = fc.oneof(fc.string(), fc.constant(undefined), fc.array(fc.string()), fc.integer())
  const params = fc.record({ MessageSid: field, MessageStatus: field, From: field, To: field, Body: field })
  fc.assert(
    fc.property(params, fc.webPath(), fc.string(), (form, pathAndQuery, signature) => {
      webhooks.readReceipt(form)
      webhooks.readIncoming(form)
      expect(webhooks.isSigned({ pathAndQuery, params: form, signature })).toBe(false)
    }),
  )
})

test('in whatever order receipts come, a final state stays', () => {
  const status = fc.constantFrom('queued', 'sending', 'sent', 'delivered', 'undelivered', 'failed', 'read', 'toString')
  fc.assert(
    fc.property(fc.array(status), (statuses) => {
      let state: SmsDelivery['state'] = 'accepted'
      for (const next of statuses.map(deliveryStateOf)) {
        const before = state
        if (next !== null && leadsFurther(state, next)) state = next
        if (before !== 'accepted') expect(state).toBe(before)
      }
      expect(state === 'accepted').toBe(statuses.every((one) => [null, 'accepted'].includes(deliveryStateOf(one))))
    }),
  )
})
