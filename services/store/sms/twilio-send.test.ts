import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type SmsGateway, startSmsGateway } from '../../../simulators/sms-gateway/gateway.ts'
import { freePort } from '../../../simulators/trials/platform-process.ts'
import type { SmsProvider } from '../../ports.ts'
import { createTwilioSms } from './twilio.ts'

const ACCOUNT = { accountSid: `AC${'1'.repeat(32)}`, authToken: 'token-1', fromNumber: '+8615500000000' }
const TO = '+8615500001001'

let gateway: SmsGateway
let sms: SmsProvider

beforeAll(async () => {
  gateway = await startSmsGateway({ ...ACCOUNT, port: 0 })
  sms = createTwilioSms({ ...ACCOUNT, apiUrl: gateway.url })
})
afterAll(async () => {
  sms.close()
  await gateway.close()
})
afterEach(async () => {
  await fetch(`${gateway.url}/faults`, { method: 'DELETE' })
})

async function fault(rule: Record<string, unknown>): Promise<void> {
  const response = await fetch(`${gateway.url}/faults`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ match: { to: TO, channel: 'sms' }, ...rule }),
  })
  expect(response.status).toBe(200)
}

function send(body: string, timeoutMs = 10_000) {
  return sms.send({ to: TO, body, timeoutMs })
}

async function found(body: string) {
  return sms.find({ to: TO, body, sinceMs: Date.now() - 60_000 })
}

describe('what is certain', () => {
  test('a healthy gateway takes the message and its id finds it again', async () => {
    const sent = await send('浴室报警 12 号楼。回复 1 接手。')
    expect(sent).toEqual({ outcome: 'accepted', providerId: expect.stringMatching(/^SM[0-9a-f]{32}$/) })
    const [match, ...others] = await found('浴室报警 12 号楼。回复 1 接手。')
    expect(others).toEqual([])
    expect(match?.providerId).toBe('providerId' in sent ? sent.providerId : null)
  })

  test.each([
    { rule: { mode: 'reject', errorCode: 21610 }, code: 'twilio-21610', temporary: false },
    { rule: { mode: 'reject', errorCode: 21611 }, code: 'twilio-21611', temporary: true },
    { rule: { mode: 'reject', errorCode: 29999 }, code: 'twilio-29999', temporary: false },
    { rule: { mode: 'http-500' }, code: 'twilio-20500', temporary: true },
    { rule: { mode: 'rate-limit' }, code: 'twilio-20429', temporary: true },
  ])('$rule.mode $rule.errorCode is refused and nothing exists at the gateway', async ({ rule, code, temporary }) => {
    await fault(rule)
    expect(await send(`refused ${code}`)).toEqual({ outcome: 'rejected', code, temporary })
    expect(await found(`refused ${code}`)).toEqual([])
  })

  test('a number that is none is refused for good', async () => {
    expect(await sms.send({ to: '12', body: 'x' })).toEqual({
      outcome: 'rejected',
      code: 'twilio-21211',
      temporary: false,
    })
  })

  test('a wrong password is refused for now, and the reason names neither number nor text', async () => {
    const stranger = createTwilioSms({ ...ACCOUNT, authToken: 'wrong', apiUrl: gateway.url })
    expect(await stranger.send({ to: TO, body: 'secret words' })).toEqual({
      outcome: 'rejected',
      code: 'twilio-20003',
      temporary: true,
    })
    const failure = await stranger.find({ to: TO, body: 'secret words', sinceMs: 0 }).catch((error: Error) => error)
    expect(String(failure)).toBe('SmsProviderError: look up a message: twilio-20003')
    stranger.close()
  })

  test('where nobody listens nothing was sent', async () => {
    const port = await freePort()
    const nobody = createTwilioSms({ ...ACCOUNT, apiUrl: `http://127.0.0.1:${port}` })
    expect(await nobody.send({ to: TO, body: 'x' })).toEqual({
      outcome: 'rejected',
      code: 'ECONNREFUSED',
      temporary: true,
    })
    nobody.close()
  })
})

describe('what is not', () => {
  test('a connection cut after the request: unknown, and the look-up finds that it was taken', async () => {
    await fault({ mode: 'drop-after-accept' })
    const sent = await send('cut')
    expect(sent).toEqual({ outcome: 'unknown', cause: 'connection-cut' })
    expect(await found('cut')).toHaveLength(1)
    expect(await found('cut, but another text')).toEqual([])
  })

  test('a cut on a connection that others used before is unknown as well, with and without waiting for it', async () => {
    await fault({ mode: 'drop-after-accept' })
    const healthy = Array.from({ length: 20 }, (_, i) => sms.send({ to: '+8615500001002', body: `before ${i}` }))
    const cut = await Promise.all(Array.from({ length: 40 }, (_, i) => send(`in a crowd ${i}`)))
    expect(new Set((await Promise.all(healthy)).map((sent) => sent.outcome))).toEqual(new Set(['accepted']))
    expect(cut).toEqual(cut.map(() => ({ outcome: 'unknown', cause: 'connection-cut' })))
  })

  test('a gateway that hangs: unknown after the time-out, and the look-up finds nothing', async () => {
    await fault({ mode: 'hang' })
    expect(await send('hung', 2_000)).toEqual({ outcome: 'unknown', cause: 'time-out' })
    expect(await found('hung')).toEqual([])
  })

  test('a slow gateway: accepted when we wait, unknown and taken when we do not', async () => {
    await fault({ mode: 'slow', delayMs: 200 })
    expect(await send('slow, waited for')).toMatchObject({ outcome: 'accepted' })
    expect(await send('slow, not waited for', 50)).toEqual({ outcome: 'unknown', cause: 'time-out' })
    expect(await found('slow, not waited for')).toHaveLength(1)
  })

  test.each([
    { answer: 'HTTP/1.1 201 Created\r\ncontent-length: 5\r\n\r\n<html', cause: 'unreadable-answer' },
    { answer: 'HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}', cause: 'unreadable-answer' },
    { answer: 'HTTP/1.1 201 Created\r\ncontent-length: 500\r\n\r\n{"sid":', cause: 'connection-cut' },
    { answer: 'HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n', cause: 'http-502' },
    { answer: 'HTTP/1.1 504 Gateway Timeout\r\ncontent-length: 9\r\n\r\n<h1>504<h', cause: 'http-504' },
  ])('an answer that does not say it ($cause)', async ({ answer, cause }) => {
    const server = createServer((socket) => socket.once('data', () => socket.end(answer)))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const odd = createTwilioSms({ ...ACCOUNT, apiUrl: `http://127.0.0.1:${port}` })
    expect(await odd.send({ to: TO, body: 'x' })).toEqual({ outcome: 'unknown', cause })
    odd.close()
    await new Promise((resolve) => server.close(resolve))
  })
})

test('a fault with a probability and a seed comes out the same each time', async () => {
  async function run(): Promise<string[]> {
    await fault({ mode: 'http-500', probability: 0.5, seed: 7 })
    const outcomes: string[] = []
    for (let i = 0; i < 20; i += 1) outcomes.push((await send(`seeded ${i}`)).outcome)
    return outcomes
  }
  const first = await run()
  expect(new Set(first)).toEqual(new Set(['accepted', 'rejected']))
  expect(await run()).toEqual(first)
})
