import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { AccountDirectory } from '../ports.ts'
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
import { publishPacket, rawLogin } from './testing/raw-client.ts'

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

const press = ({ homeId, deviceId }: Account, messageId = 1) =>
  publishPacket(`care/v1/${homeId}/${deviceId}/event`, '{"kind":"sos","state":"pressed"}', { messageId })
const rejections = async ({ homeId }: Account) =>
  (await storedRows(database.pool, homeId)).map(({ rejected }) => rejected)

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

test('what is revoked or retired while it is away does not come back, though it was known a moment ago', async () => {
  const [revoked, retired] = [await placeDevice(database.pool), await placeDevice(database.pool)]
  expect([await login(revoked), await login(retired)]).toEqual([0, 0])
  await database.pool.query('update device_account set revoked_at = now() where account = $1', [revoked.username])
  await database.pool.query('update device set retired_at = now() where home_id = $1', [retired.homeId])
  change(revoked)
  change(retired)
  expect([await login(revoked), await login(retired)]).toEqual([4, 4])
})

test('what is revoked while it logs in is refused', async () => {
  const account = await placeDevice(database.pool)
  const directory = createDeviceAccounts(database.pool, testSealing)
  const accounts: AccountDirectory = {
    ...directory,
    async startSession(username) {
      await database.pool.query('update device_account set revoked_at = now() where account = $1', [username])
      slow.announce({ kind: 'device', homeId: account.homeId, ref: account.deviceId })
      return directory.startSession(username)
    },
  }
  const slow = await startHarness(database.pool, { accounts })
  const client = await rawLogin(slow.ingest, account)
  expect(client.packets[0]).toMatchObject({ returnCode: 4 })
  await slow.close()
})

test('a gateway that starts again while a button is placed behind it speaks for the button', async () => {
  const gateway = await placeDevice(database.pool, { deviceId: 'gateway', kind: 'gateway' })
  expect(await login(gateway)).toBe(0)
  const button = await placeDevice(database.pool, { homeId: gateway.homeId, gatewayId: 'gateway' })
  change(button)
  const client = await rawLogin(harness.ingest, gateway)
  client.send(press(button))
  await client.next('puback')
  expect(await rejections(gateway)).toEqual([null])
  client.socket.destroy()
})

test('a press on a topic that is not known yet is judged by what holds now, and not asked for at each message', async () => {
  const directory = createDeviceAccounts(database.pool, testSealing)
  let finds = 0
  let passedMs = 0
  const accounts: AccountDirectory = {
    ...directory,
    find(name) {
      finds++
      return directory.find(name)
    },
  }
  const clock = { now: () => Date.now(), monotonicMs: () => passedMs }
  const counting = await startHarness(database.pool, { accounts, clock })
  const gateway = await placeDevice(database.pool, { deviceId: 'gateway', kind: 'gateway' })
  const client = await rawLogin(counting.ingest, gateway)
  expect(finds).toBe(1)
  passedMs += 10_000
  // Nobody announced it, or the announcement is still under way.
  const button = await placeDevice(database.pool, { homeId: gateway.homeId, gatewayId: 'gateway' })
  client.send(press(button, 1))
  await client.next('puback', 1)
  client.send(press(button, 2))
  await client.next('puback', 2)
  expect(await rejections(gateway)).toEqual([null, null])
  for (let id = 3; id < 20; id++) client.send(press({ ...button, deviceId: 'nobody' }, id))
  await client.next('puback', 19)
  expect((await rejections(gateway)).slice(2)).toEqual(Array(17).fill('topic-not-allowed'))
  client.send(press({ ...button, homeId: 'elsewhere' }, 20))
  await client.next('puback', 20)
  expect(finds).toBe(2)
  client.socket.destroy()
  await counting.close()
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
  await vi.waitFor(async () => expect(await login(renewed)).toBe(0), { timeout: 10_000, interval: 200 })
})

test('an account made a moment after it was refused is accepted within moments', async () => {
  const homeId = 'home-soon'
  const early = { homeId, deviceId: 'sos-bath', username: 'home-soon.sos-bath', password: 'early' }
  expect(await login(early)).toBe(4)
  const account = await placeDevice(database.pool, { homeId })
  await vi.waitFor(async () => expect(await login(account)).toBe(0), { timeout: 10_000, interval: 200 })
})
