import type { MqttClient } from 'mqtt'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { DeviceNotice } from '../ports.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { type Account, connect, type Harness, placeDevice, startHarness } from './testing/ingest-harness.ts'
import { type RawClient, rawLogin } from './testing/raw-client.ts'

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

const open: DeviceNotice = {
  incidentId: 'incident-1',
  kind: 'sos',
  status: 'open',
  takenBy: null,
  etaMin: null,
  at: Date.parse('2026-11-23T02:11:09.120Z'),
}
const taken: DeviceNotice = { ...open, status: 'acknowledged', takenBy: '李娜', etaMin: 10 }
const topicOf = ({ homeId, deviceId }: Account) => `care/v1/${homeId}/${deviceId}/incident`

/** As the escalation would: the state first, then the announcement to every ingest. */
function becomes(homeId: string, ...notices: DeviceNotice[]): void {
  for (const harness of [one, two]) harness.notices.set(homeId, notices)
  for (const harness of [one, two]) harness.announce({ kind: 'incident', homeId, ref: 'incident-1' })
}

function listen(client: MqttClient): { topic: string; body: unknown; qos: number }[] {
  const heard: { topic: string; body: unknown; qos: number }[] = []
  client.on('message', (topic, payload, { qos }) => heard.push({ topic, body: JSON.parse(payload.toString()), qos }))
  return heard
}

const publishes = (client: RawClient) => client.packets.filter(({ cmd }) => cmd === 'publish')

test('a lamp on one ingest and the button on another are both told, each on its own topic, and no other home', async () => {
  const button = await placeDevice(database.pool)
  const lamp = await placeDevice(database.pool, { homeId: button.homeId, deviceId: 'lamp', kind: 'voice-assistant' })
  const elsewhere = await placeDevice(database.pool)
  const clients = [
    await connect(one.ingest, button),
    await connect(two.ingest, lamp),
    await connect(one.ingest, elsewhere),
  ] as const
  const heard = clients.map(listen)
  for (const [at, account] of [button, lamp, elsewhere].entries())
    await clients[at]?.subscribeAsync(topicOf(account), { qos: 1 })
  becomes(button.homeId, open)
  const body = { ...open, at: '2026-11-23T02:11:09.120Z' }
  await vi.waitFor(() => {
    expect(heard[0]).toEqual([{ topic: topicOf(button), body, qos: 1 }])
    expect(heard[1]).toEqual([{ topic: topicOf(lamp), body, qos: 1 }])
  })
  becomes(button.homeId, taken)
  await vi.waitFor(() => expect(heard[1]?.[1]?.body).toMatchObject({ takenBy: '李娜', etaMin: 10 }))
  expect(heard[2]).toEqual([])
  for (const client of clients) await client.endAsync()
})

test('who subscribes is told what stands at that moment', async () => {
  const lamp = await placeDevice(database.pool)
  becomes(lamp.homeId, taken)
  const client = await connect(one.ingest, lamp)
  const heard = listen(client)
  await client.subscribeAsync(topicOf(lamp), { qos: 1 })
  await vi.waitFor(() => expect(heard).toMatchObject([{ body: { status: 'acknowledged' } }]))
  await client.endAsync()
})

test('a client that keeps its session and does not subscribe again is told after our restart too', async () => {
  const lamp = await placeDevice(database.pool)
  const before = await startHarness(database.pool)
  const first = await rawLogin(before.ingest, lamp, { clean: false })
  const filter = { topic: topicOf(lamp), qos: 1 as const }
  first.send({ cmd: 'subscribe', messageId: 1, subscriptions: [filter] })
  await first.next('suback')
  await before.close()

  becomes(lamp.homeId, taken)
  const again = await rawLogin(one.ingest, lamp, { clean: false })
  await again.next('publish')
  expect(publishes(again)).toMatchObject([{ topic: topicOf(lamp), qos: 1 }])
  again.socket.destroy()
})

test('who did not subscribe is not told', async () => {
  const lamp = await placeDevice(database.pool)
  const silent = await rawLogin(one.ingest, lamp)
  const listening = await connect(one.ingest, lamp)
  const heard = listen(listening)
  await listening.subscribeAsync(topicOf(lamp))
  becomes(lamp.homeId, open)
  await vi.waitFor(() => expect(heard).toHaveLength(1))
  expect(publishes(silent)).toEqual([])
  silent.socket.destroy()
  await listening.endAsync()
})

test('a gateway is told for each device behind it', async () => {
  const gateway = await placeDevice(database.pool, { deviceId: 'gateway', kind: 'gateway' })
  const { homeId } = gateway
  await placeDevice(database.pool, { homeId, deviceId: 'lamp', kind: 'voice-assistant', gatewayId: 'gateway' })
  const client = await connect(one.ingest, gateway)
  const heard = listen(client)
  await client.subscribeAsync(`care/v1/${homeId}/+/incident`, { qos: 1 })
  becomes(homeId, open)
  await vi.waitFor(() =>
    expect(heard.map(({ topic }) => topic).sort()).toEqual([
      `care/v1/${homeId}/gateway/incident`,
      `care/v1/${homeId}/lamp/incident`,
    ]),
  )
  await client.endAsync()
})

test('a database that cannot be read just then is asked again', async () => {
  const lamp = await placeDevice(database.pool)
  let failures = 1
  const homeIncidents = {
    presentFor: async () => {
      if (failures-- > 0) throw new Error('no database')
      return [open]
    },
  }
  const third = await startHarness(database.pool, { homeIncidents })
  const client = await connect(third.ingest, lamp)
  const heard = listen(client)
  await client.subscribeAsync(topicOf(lamp), { qos: 1 })
  await vi.waitFor(() => expect(heard).toHaveLength(1), 5_000)
  await client.endAsync()
  await third.close()
})
