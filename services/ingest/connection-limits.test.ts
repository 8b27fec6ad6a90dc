import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'
import type { IngestLimits } from './limits.ts'
import { connect, type Harness, placeDevice, startHarness, storedRows } from './testing/ingest-harness.ts'
import { connectPacket, publishPacket, rawClient, rawLogin } from './testing/raw-client.ts'

let database: TestDatabase
let harness: Harness

beforeAll(async () => {
  database = await createTestDatabase()
})
afterEach(() => harness.close())
afterAll(() => database.close())

const start = async (limits: Partial<IngestLimits> = {}) => {
  harness = await startHarness(database.pool, { limits })
}
const closedFor = (reason: string) => harness.counts.get(`anlin_connections_closed_total ${reason}`) ?? 0

test('a packet that announces too much is refused before it is collected: 4 KiB until CONNACK, 64 KiB after', async () => {
  await start()
  const account = await placeDevice(database.pool)
  const greedy = await rawClient(harness.ingest)
  // A CONNECT of 120 MB: only its header has to be sent.
  greedy.send(Buffer.from([0x10, 0x80, 0x9c, 0x9c, 0x39]))
  await greedy.closed()
  const wordy = await rawClient(harness.ingest)
  wordy.send(connectPacket(account, { clientId: 'x'.repeat(5_000) }))
  await wordy.closed()
  expect(closedFor('packet-too-large')).toBe(2)

  const topic = `care/v1/${account.homeId}/sos-bath/telemetry`
  const button = await rawLogin(harness.ingest, account)
  button.send(publishPacket(topic, Buffer.alloc(60_000)))
  await button.next('puback', 1)
  button.send(publishPacket(topic, Buffer.alloc(66_000), { messageId: 2 }))
  await button.closed()
  expect(await storedRows(database.pool, account.homeId)).toHaveLength(1)
})

test('who does not get through CONNECT in time is closed', async () => {
  await start({ connectWithinMs: 100 })
  const silent = await rawClient(harness.ingest)
  const dripping = await rawClient(harness.ingest)
  dripping.send(Buffer.from([0x10]))
  await Promise.all([silent.closed(), dripping.closed()])
  expect(closedFor('connect-too-slow')).toBe(2)
})

test('who does not get through the greeting of TLS in time is closed too', async () => {
  const folder = temporaryFolder('tls')
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost']
  execFileSync('openssl', [...request, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const tls = { port: 0, cert: readFileSync(cert), key: readFileSync(key) }
  harness = await startHarness(database.pool, { limits: { connectWithinMs: 100 }, tls })
  const silent = createConnection({ host: '127.0.0.1', port: harness.ingest.tlsPort ?? 0 })
  silent.on('error', () => undefined)
  await once(silent, 'close')
})

test('the fifth connection of an account ends its oldest; any client id is accepted', async () => {
  await start()
  const account = await placeDevice(database.pool)
  const ids = ['a', '', 'c/d', '小铃', 'x'.repeat(100)]
  const clients = []
  for (const clientId of ids) clients.push(await rawLogin(harness.ingest, account, { clientId }))
  expect(clients.map(({ packets }) => packets[0])).toMatchObject(ids.map(() => ({ cmd: 'connack', returnCode: 0 })))
  await clients[0]?.closed()
  expect(clients.map((client) => client.isClosed())).toEqual([true, false, false, false, false])
  expect(closedFor('account-limit')).toBe(1)
  for (const { socket } of clients) socket.destroy()
})

test('connections beyond the limit are closed; one that ends makes room', async () => {
  await start({ connections: 1 })
  const account = await placeDevice(database.pool)
  const first = await rawLogin(harness.ingest, account)
  const second = await rawClient(harness.ingest)
  await second.closed()
  first.socket.destroy()
  await vi.waitFor(async () => {
    const third = await rawClient(harness.ingest)
    try {
      third.send(connectPacket(account))
      await expect.poll(() => third.packets.length > 0 || third.isClosed()).toBe(true)
      expect(third.packets).toMatchObject([{ returnCode: 0 }])
    } finally {
      // One that is left open would take the only place.
      third.socket.destroy()
    }
  }, 20_000)
})

test('subscriptions of one client are limited', async () => {
  await start({ subscriptionsPerConnection: 2 })
  const account = await placeDevice(database.pool)
  const client = await connect(harness.ingest, account)
  await client.subscribeAsync(['a/1', 'a/2'])
  await expect(client.subscribeAsync('a/3')).rejects.toThrow()
  await client.unsubscribeAsync('a/1')
  expect(await client.subscribeAsync('a/3')).toMatchObject([{ topic: 'a/3' }])
  await client.endAsync()
})

test('above its rate an account is not read for a while: nothing is lost and its keep-alive does not run out', async () => {
  await start({ ratePerAccount: 5 })
  const account = await placeDevice(database.pool)
  const button = await rawLogin(harness.ingest, account, { keepalive: 1 })
  const topic = `care/v1/${account.homeId}/sos-bath/telemetry`
  // The burst is ten seconds' worth, 50; what is above it is paid with a pause of two seconds.
  const sentAt = performance.now()
  for (let messageId = 1; messageId <= 60; messageId++) button.send(publishPacket(topic, `${messageId}`, { messageId }))
  await button.next('puback', 60)
  button.send(publishPacket(topic, '61', { messageId: 61 }))
  await button.next('puback', 61)
  expect(performance.now() - sentAt).toBeGreaterThan(1_900)
  expect(button.isClosed()).toBe(false)
  expect(await storedRows(database.pool, account.homeId)).toHaveLength(61)
  button.socket.destroy()
})

test('a client that falls silent past its keep-alive is closed, and its last will counts', async () => {
  await start()
  const account = await placeDevice(database.pool)
  const topic = `care/v1/${account.homeId}/sos-bath/status`
  const will = { topic, payload: Buffer.from('{"state":"offline"}'), qos: 1 as const, retain: true }
  const button = await rawLogin(harness.ingest, account, { keepalive: 1, will })
  await button.closed()
  expect(closedFor('keep-alive')).toBe(1)
  await vi.waitFor(
    async () => expect(await storedRows(database.pool, account.homeId)).toMatchObject([{ topic }]),
    10_000,
  )
})
