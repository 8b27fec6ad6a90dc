import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createDeviceAccounts } from '../store/postgres/device-accounts.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import {
  type Account,
  type Harness,
  placeDevice,
  startHarness,
  storedRows,
  testSealing,
} from './testing/ingest-harness.ts'
import { rawLogin } from './testing/raw-client.ts'

let database: TestDatabase
let one: Harness
let two: Harness

beforeAll(async () => {
  database = await createTestDatabase()
  one = await startHarness(database.pool)
  two = await startHarness(database.pool)
})
afterAll(async () => {
  await Promise.all([one.close(), two.close()])
  await database.close()
})

const offline = (account: Account, topic = `care/v1/${account.homeId}/${account.deviceId}/status`) => ({
  will: { topic, payload: Buffer.from('{"state":"offline"}'), qos: 1 as const, retain: true },
})
const untilStored = (account: Account, count: number) =>
  vi.waitFor(async () => {
    const rows = await storedRows(database.pool, account.homeId)
    expect(rows).toHaveLength(count)
    return rows
  }, 10_000)

test('a device cut off leaves its last will, marked as one', async () => {
  const account = await placeDevice(database.pool)
  const button = await rawLogin(one.ingest, account, offline(account))
  button.socket.destroy()
  const rows = await untilStored(account, 1)
  expect(rows).toMatchObject([{ flags: 1 | 8 | 16, rejected: null, packet_id: null }])
  expect(rows[0]?.payload.toString()).toBe('{"state":"offline"}')
})

test('a device that says goodbye leaves none', async () => {
  const account = await placeDevice(database.pool)
  const button = await rawLogin(one.ingest, account, offline(account))
  button.send({ cmd: 'disconnect' })
  await button.closed()
  const next = await rawLogin(one.ingest, account, offline(account))
  next.socket.destroy()
  expect(await untilStored(account, 1)).toHaveLength(1)
})

test('a will of a session that a later one followed, on the other ingest, is kept but does not count', async () => {
  const account = await placeDevice(database.pool)
  const halfOpen = await rawLogin(one.ingest, account, offline(account))
  const back = await rawLogin(two.ingest, account, offline(account))
  halfOpen.socket.destroy()
  expect(await untilStored(account, 1)).toMatchObject([{ rejected: 'superseded-will' }])
  back.socket.destroy()
  const rows = await untilStored(account, 2)
  expect(rows[1]).toMatchObject({ rejected: null, flags: 25 })
})

test('a will is bound to the same rights as a publish', async () => {
  const account = await placeDevice(database.pool)
  for (const topic of ['care/v1/home-elsewhere/sos-bath/status', '$SYS/broker/new/clients']) {
    const client = await rawLogin(one.ingest, account, offline(account, topic))
    client.socket.destroy()
    await vi.waitFor(async () => {
      const rows = await storedRows(database.pool, account.homeId)
      expect(rows.find((row) => row.topic === topic)?.rejected).toMatch(/topic-not-allowed|reserved-topic/)
    }, 10_000)
  }
})

test('when we end the connections ourselves, no device is called offline', async () => {
  const account = await placeDevice(database.pool)
  const accounts = createDeviceAccounts(database.pool, testSealing)
  const judged: string[] = []
  const latestSession = (name: string) => {
    judged.push(name)
    return accounts.latestSession(name)
  }
  const third = await startHarness(database.pool, { accounts: { ...accounts, latestSession } })
  const button = await rawLogin(third.ingest, account, offline(account))
  await third.close()
  await button.closed()
  expect(judged).toEqual([])
  expect(await storedRows(database.pool, account.homeId)).toEqual([])
})
