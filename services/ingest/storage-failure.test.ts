import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { LogAppend } from '../ports.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { connect, type Harness, placeDevice, startHarness, storedRows } from './testing/ingest-harness.ts'
import { publishPacket, rawLogin } from './testing/raw-client.ts'

let database: TestDatabase
let harness: Harness | undefined

beforeAll(async () => {
  database = await createTestDatabase()
})
afterEach(async () => {
  await harness?.close()
  harness = undefined
})
afterAll(() => database.close())

const eventTopic = ({ homeId, deviceId }: { homeId: string; deviceId: string }) => `care/v1/${homeId}/${deviceId}/event`

test('a batch that fails is tried again until it is stored, and only then answered', async () => {
  const account = await placeDevice(database.pool)
  let failures = 3
  const failing = (log: LogAppend): LogAppend => ({
    append: (batch) => (failures-- > 0 ? Promise.reject(new Error('disk trouble')) : log.append(batch)),
  })
  harness = await startHarness(database.pool, { wrapLog: failing, limits: { retryMs: 5 } })
  const button = await connect(harness.ingest, account)
  await button.publishAsync(eventTopic(account), 'x', { qos: 1 })
  expect(failures).toBeLessThan(0)
  expect(await storedRows(database.pool, account.homeId)).toHaveLength(1)
  expect(harness.counts.get('anlin_commit_failures_total')).toBe(3)
  await button.endAsync()
})

test('a batch whose outcome nobody knows may be stored twice, but is never lost', async () => {
  const account = await placeDevice(database.pool)
  let lost = true
  const answerLost = (log: LogAppend): LogAppend => ({
    async append(batch) {
      const appended = await log.append(batch)
      if (!lost) return appended
      lost = false
      throw new Error('the answer was lost')
    },
  })
  harness = await startHarness(database.pool, { wrapLog: answerLost, limits: { retryMs: 5 } })
  const button = await connect(harness.ingest, account)
  await button.publishAsync(eventTopic(account), 'x', { qos: 1 })
  expect(await storedRows(database.pool, account.homeId)).toHaveLength(2)
  await button.endAsync()
})

test('what cannot be stored in time closes its connection, others stay; the device comes back and sends it again', async () => {
  const account = await placeDevice(database.pool)
  const other = await placeDevice(database.pool)
  let broken = true
  let failures = 0
  let nowMs = 0
  const breaking = (log: LogAppend): LogAppend => ({
    append(batch) {
      if (!broken) return log.append(batch)
      failures += 1
      return Promise.reject(new Error('disk trouble'))
    },
  })
  const limits = { waitingMs: 200, retryMs: 5 }
  // It stands while nothing is broken: what is stored then is in time however long that takes.
  const clock = { now: () => Date.now(), monotonicMs: () => nowMs }
  harness = await startHarness(database.pool, { wrapLog: breaking, limits, clock })
  const idle = await rawLogin(harness.ingest, other)
  const button = await rawLogin(harness.ingest, account)
  button.send(publishPacket(eventTopic(account), 'x'))
  await expect.poll(() => failures).toBeGreaterThan(0)
  nowMs += 201
  await button.closed()
  expect(button.packets.map(({ cmd }) => cmd)).toEqual(['connack'])
  expect(harness.counts.get('anlin_connections_closed_total not-stored')).toBe(1)
  expect(idle.isClosed()).toBe(false)

  broken = false
  const again = await rawLogin(harness.ingest, account)
  again.send(publishPacket(eventTopic(account), 'x', { dup: true }))
  await again.next('puback')
  expect(await storedRows(database.pool, account.homeId)).toMatchObject([{ flags: 5 }])
  idle.socket.destroy()
  again.socket.destroy()
})

test('more bytes than may wait close the connections they came by', async () => {
  const account = await placeDevice(database.pool)
  const never = (): LogAppend => ({ append: () => new Promise(() => undefined) })
  harness = await startHarness(database.pool, { wrapLog: never, limits: { waitingBytes: 5_000, drainMs: 50 } })
  const button = await rawLogin(harness.ingest, account)
  for (let messageId = 1; messageId <= 6; messageId++) {
    button.send(publishPacket(eventTopic(account), Buffer.alloc(1_000), { messageId }))
  }
  await button.closed()
  expect(button.packets.map(({ cmd }) => cmd)).toEqual(['connack'])
})

test('without a database a login is answered "server unavailable", and told apart from a wrong password', async () => {
  const account = await placeDevice(database.pool)
  const away = () => Promise.reject(new Error('no database'))
  const accounts = {
    find: away,
    hashSecret: () => new Uint8Array(32),
    startSession: away,
    latestSession: away,
  }
  harness = await startHarness(database.pool, { accounts })
  const refused = await rawLogin(harness.ingest, account)
  expect(refused.packets).toMatchObject([{ cmd: 'connack', returnCode: 3 }])
  await refused.closed()
  expect(harness.counts.get('anlin_logins_refused_total unavailable')).toBe(1)
})

test('a connection that has too much on the way is not read until some of it is stored', async () => {
  const account = await placeDevice(database.pool)
  const waiting: (() => void)[] = []
  const slow = (log: LogAppend): LogAppend => ({
    async append(batch) {
      await new Promise<void>((resolve) => waiting.push(resolve))
      return log.append(batch)
    },
  })
  harness = await startHarness(database.pool, { wrapLog: slow, limits: { waitingMessagesPerConnection: 2 } })
  const button = await rawLogin(harness.ingest, account)
  for (let messageId = 1; messageId <= 20; messageId++) {
    button.send(publishPacket(eventTopic(account), `${messageId}`, { messageId }))
    await new Promise((resolve) => setImmediate(resolve))
  }
  const answered = () => button.packets.filter(({ cmd }) => cmd === 'puback').length
  await vi.waitFor(() => {
    for (const resolve of waiting.splice(0)) resolve()
    expect(answered()).toBe(20)
  }, 10_000)
  const rows = await storedRows(database.pool, account.homeId)
  expect(rows.map(({ payload }) => payload.toString())).toEqual(Array.from({ length: 20 }, (_, at) => `${at + 1}`))
  button.socket.destroy()
})
