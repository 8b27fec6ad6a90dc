import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { type Account, connect, type Harness, placeDevice, startHarness, storedRows } from './testing/ingest-harness.ts'
import { connectPacket, publishPacket, rawClient, rawLogin } from './testing/raw-client.ts'

let database: TestDatabase
let harness: Harness
let bystander: Account

beforeAll(async () => {
  database = await createTestDatabase()
  harness = await startHarness(database.pool)
  bystander = await placeDevice(database.pool)
})
afterAll(async () => {
  await harness.close()
  await database.close()
})

/** Someone else's press goes through. */
async function othersAreServed(): Promise<void> {
  const client = await connect(harness.ingest, bystander)
  await client.publishAsync(`care/v1/${bystander.homeId}/sos-bath/event`, 'x', { qos: 1 })
  await client.endAsync()
}

test('the CONNECT that crashed a parser elsewhere ends its own connection only', async () => {
  const client = await rawClient(harness.ingest)
  client.send(Buffer.from('101000044d5154540502003c0321001400006202d301e0020020', 'hex'))
  await client.closed()
  await othersAreServed()
})

test('an MQTT 5 client is told "unacceptable protocol version"', async () => {
  const account = await placeDevice(database.pool)
  const refusals = () => harness.counts.get('anlin_logins_refused_total protocol-version') ?? 0
  const before = refusals()
  const client = await rawClient(harness.ingest)
  client.send(connectPacket(account, { protocolVersion: 5 }))
  await client.closed()
  expect(client.received()).toBe('20020001')
  expect(refusals()).toBe(before + 1)
})

test('a wrong password, an unknown account and none at all are all answered with return code 4', async () => {
  const account = await placeDevice(database.pool)
  for (const login of [
    { ...account, password: 'wrong' },
    { ...account, username: 'nobody' },
    { ...account, username: 'with\0zero' },
  ]) {
    const client = await rawLogin(harness.ingest, login)
    expect(client.packets).toMatchObject([{ returnCode: 4 }])
    await client.closed()
  }
  const anonymous = await rawClient(harness.ingest)
  anonymous.send(Buffer.from('100d00044d5154540402003c000161', 'hex'))
  await anonymous.next('connack')
  expect(anonymous.received()).toBe('20020004')
})

test.each([
  ['SUBSCRIBE without a filter', '82020001'],
  ['SUBSCRIBE whose filter is cut off', '820600010010612f'],
  ['SUBSCRIBE with an impossible QoS', '8206000100016103'],
  ['SUBSCRIBE with wrong header flags', '8006000100016100'],
  ['SUBSCRIBE with a wildcard in the wrong place', '820a00010005612f23 2f6200'.replace(' ', '')],
  ['PUBLISH with a wildcard', '3205000123 000178'.replace(' ', '')],
  ['PUBLISH with QoS 3', '3605000161000178'],
  ['PUBLISH without a topic', '3204000000 01'.replace(' ', '')],
  ['PUBLISH with packet id 0', '3205000161000 0'.replace(' ', '')],
  ['a second CONNECT', '100d00044d5154540402003c000161'],
  ['a packet type that does not exist', 'f000'],
  ['a remaining length of five bytes', '30ffffffff7f'],
])('%s harms nobody else', async (_name, hex) => {
  const account = await placeDevice(database.pool)
  const client = await rawLogin(harness.ingest, account)
  client.send(Buffer.from(hex, 'hex'))
  await othersAreServed()
  client.socket.destroy()
})

test('whatever bytes follow a login, the others are served', async () => {
  const account = await placeDevice(database.pool)
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      const client = await rawLogin(harness.ingest, account)
      client.send(Buffer.from(bytes))
      client.socket.end()
      await client.closed()
    }),
    { numRuns: 50 },
  )
  await othersAreServed()
})

test('as many messages are stored as were sent, whatever their topics and payloads', async () => {
  const account = await placeDevice(database.pool)
  const topic = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
    fc.constantFrom(`care/v1/${account.homeId}/sos-bath/event`, 'care/', '$SYS/x', 'a\0b', '/', '😀/\ufeff'),
  )
  const messages = fc.array(fc.tuple(topic, fc.uint8Array({ maxLength: 300 })), { minLength: 1, maxLength: 20 })
  const client = await rawLogin(harness.ingest, account)
  let sent = 0
  await fc.assert(
    fc.asyncProperty(messages, async (batch) => {
      // A wildcard in a published topic is a protocol error that has to end the connection [MQTT-3.3.2-2].
      const lawful = batch.filter(([name]) => !/[#+]/.test(name))
      for (const [name, payload] of lawful) {
        client.send(publishPacket(name, Buffer.from(payload), { messageId: ++sent }))
      }
      if (lawful.length > 0) await client.next('puback', sent)
    }),
    { numRuns: 30 },
  )
  const rows = await storedRows(database.pool, account.homeId)
  expect(rows).toHaveLength(sent)
  expect(rows.filter(({ topic }) => topic === 'a\ufffdb').every(({ rejected }) => rejected === 'malformed-topic')).toBe(
    true,
  )
  client.socket.destroy()
})
