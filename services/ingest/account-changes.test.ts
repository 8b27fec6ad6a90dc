import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { type Account, type Harness, placeDevice, startHarness } from './testing/ingest-harness.ts'
import { rawLogin } from './testing/raw-client.ts'

let database: TestDatabase
let harness: Harness

beforeAll(async () => {
  database = await createTestDatabase()
  harness = await startHarness(database.pool)
})
afterAll(async () => {
  await harness.close()
  await database.close()
})

const change = ({ homeId, deviceId }: Account) => harness.announce({ kind: 'device', homeId, ref: deviceId })
const login = async (account: Account) => {
  const client = await rawLogin(harness.ingest, account)
  client.socket.destroy()
  const [answer] = client.packets
  return answer?.cmd === 'connack' ? answer.returnCode : null
}

test('a revoked account is disconnected and refused; others stay', async () => {
  const [revoked, other] = [await placeDevice(database.pool), await placeDevice(database.pool)]
  const button = await rawLogin(harness.ingest, revoked)
  const bystander = await rawLogin(harness.ingest, other)
  await database.pool.query('update device_account set revoked_at = now() where account = $1', [revoked.username])
  change(revoked)
  await button.closed()
  expect(await login(revoked)).toBe(4)
  expect(bystander.isClosed()).toBe(false)
  bystander.socket.destroy()
})

test('a device that is retired is an account no more', async () => {
  const account = await placeDevice(database.pool)
  await database.pool.query('update device set retired_at = now() where home_id = $1', [account.homeId])
  expect(await login(account)).toBe(4)
})

test('a new secret opens within moments, though the old one was known and the new one already refused', async () => {
  const account = await placeDevice(database.pool)
  const other = await placeDevice(database.pool)
  expect(await login(account)).toBe(0)
  const renewed = { ...account, password: other.password }
  expect(await login(renewed)).toBe(4)
  await database.pool.query(
    'update device_account set secret_hash = (select secret_hash from device_account where account = $2) where account = $1',
    [account.username, other.username],
  )
  await vi.waitFor(async () => expect(await login(renewed)).toBe(0), { timeout: 5_000, interval: 200 })
})

test('an account made a moment after it was refused is accepted within moments', async () => {
  const homeId = 'home-soon'
  const early = { homeId, deviceId: 'sos-bath', username: 'home-soon.sos-bath', password: 'early' }
  expect(await login(early)).toBe(4)
  const account = await placeDevice(database.pool, { homeId })
  await vi.waitFor(async () => expect(await login(account)).toBe(0), { timeout: 5_000, interval: 200 })
})
