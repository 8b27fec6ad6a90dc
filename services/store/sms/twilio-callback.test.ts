import { createServer, type Server } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { SmsProvider } from '../../ports.ts'
import { createTwilioSms } from './twilio.ts'

/** A provider that refuses our address for receipts, as Twilio does one that it cannot call (21609). */

const ACCOUNT = { accountSid: `AC${'1'.repeat(32)}`, authToken: 'token-1', fromNumber: '+8615500000000' }
const MESSAGE = { to: '+8615500001001', body: 'x', statusCallbackUrl: 'http://localhost:8080/receipts' }

let withCallback: boolean[]
let answerAfterMs: number
let server: Server
let sms: SmsProvider
beforeEach(async () => {
  withCallback = []
  answerAfterMs = 0
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const refused = Buffer.concat(chunks).toString().includes('StatusCallback')
      withCallback.push(refused)
      setTimeout(() => {
        response.writeHead(refused ? 400 : 201, { 'content-type': 'application/json' })
        response.end(JSON.stringify(refused ? { code: 21609, status: 400, message: 'no' } : { sid: 'SM1' }))
      }, answerAfterMs)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  sms = createTwilioSms({ ...ACCOUNT, apiUrl: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}` })
})
afterEach(async () => {
  sms.close()
  await new Promise((resolve) => server.close(resolve))
})

test('costs the receipt and not the alarm: sent again without the address, and said', async () => {
  const refused = { outcome: 'accepted', providerId: 'SM1', callbackRefused: 'twilio-21609' }
  expect(await sms.send(MESSAGE)).toEqual(refused)
  expect(withCallback).toEqual([true, false])
  const { statusCallbackUrl: _url, ...plain } = MESSAGE
  expect(await sms.send(plain)).toEqual({ outcome: 'accepted', providerId: 'SM1' })
})

test('both requests together take no longer than one may', async () => {
  // The second is answered after the limit, and before one of its own.
  const timeoutMs = 3_500
  answerAfterMs = 2_000
  const startedMs = performance.now()
  expect(await sms.send({ ...MESSAGE, timeoutMs })).toEqual({ outcome: 'unknown', cause: 'time-out' })
  expect(performance.now() - startedMs).toBeLessThan(timeoutMs + 1_500)
  expect(withCallback).toEqual([true, false])
})
