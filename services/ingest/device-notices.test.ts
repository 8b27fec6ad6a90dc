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
  severity: 'critical',
  status: 'open',
  raisedCount: 1,
  arrived: false,
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
  }, 10_000)
  becomes(button.homeId, taken)
  await vi.waitFor(() => expect(heard[1]?.[1]?.body).toMatchObject({ takenBy: '李娜', etaMin: 10 }), 10_000)
  expect(heard[2]).toEqual([])
  for (const client of clients) await client.endAsync()
})

test('what was read beside the change that was announced is told too', async () => {
  const lamp = await placeDevice(database.pool)
  const client = await connect(one.ingest, lamp)
  const heard = listen(client)
  becomes(lamp.homeId, open)
  await client.subscribeAsync(topicOf(lamp), { qos: 1 })
  await vi.waitFor(() => expect(heard).toHaveLength(1), 10_000)
  const smoke: DeviceNotice = { ...open, incidentId: 'incident-2', kind: 'smoke' }
  const press: DeviceNotice = { ...open, incidentId: 'incident-3' }
  // The press is committed before the read that the smoke's announcement causes, and announced after it.
  one.notices.set(lamp.homeId, [open, smoke, press])
  one.announce({ kind: 'incident', homeId: lamp.homeId, ref: 'incident-2' })
  await vi.waitFor(
    () => expect(heard.slice(1)).toMatchObject([{ body: { kind: 'smoke' } }, { body: { kind: 'sos' } }]),
    10_000,
  )
  one.announce({ kind: 'incident', homeId: lamp.homeId, ref: 'incident-3' })
  becomes(lamp.homeId, taken, smoke, press)
  await vi.waitFor(() => expect(heard.at(-1)?.body).toMatchObject({ takenBy: '李娜' }), 10_000)
  expect(heard).toHaveLength(4)
  await client.endAsync()
})

test('each further press is heard at home', async () => {
  const lamp = await placeDevice(database.pool)
  const client = await connect(one.ingest, lamp)
  const heard = listen(client)
  await client.subscribeAsync(topicOf(lamp), { qos: 1 })
  becomes(lamp.homeId, open)
  await vi.waitFor(() => expect(heard).toHaveLength(1), 10_000)
  becomes(lamp.homeId, { ...open, raisedCount: 2 })
  await vi.waitFor(() => expect(heard[1]?.body).toMatchObject({ status: 'open', raisedCount: 2 }), 10_000)
  await client.endAsync()
})

test('an emergency is told again each minute until somebody is there, and nothing else is', async () => {
  let passedMs = 0
  const clock = { now: () => Date.now(), monotonicMs: () => performance.now() + passedMs }
  const harness = await startHarness(database.pool, { clock })
  const lamp = await placeDevice(database.pool)
  const client = await connect(harness.ingest, lamp)
  const heard = listen(client)
  await client.subscribeAsync(topicOf(lamp), { qos: 1 })
  const over: DeviceNotice = { ...open, incidentId: 'over', status: 'resolved' }
  const warning: DeviceNotice = { ...open, incidentId: 'warning', kind: 'bed-exit', severity: 'warning' }
  const stand = (urgent: DeviceNotice) => {
    harness.notices.set(lamp.homeId, [over, warning, urgent])
    harness.announce({ kind: 'incident', homeId: lamp.homeId, ref: urgent.incidentId })
  }
  stand(open)
  await vi.waitFor(() => expect(heard).toHaveLength(3), 10_000)
  for (const count of [4, 5]) {
    passedMs += 60_000
    await vi.waitFor(() => expect(heard).toHaveLength(count), 10_000)
  }
  stand(taken)
  await vi.waitFor(() => expect(heard).toHaveLength(6), 10_000)
  passedMs += 60_000
  await vi.waitFor(() => expect(heard).toHaveLength(7), 10_000)
  expect(heard.slice(3).map(({ body }) => body)).toMatchObject([
    { incidentId: 'incident-1', status: 'open' },
    { incidentId: 'incident-1', status: 'open' },
    { status: 'acknowledged' },
    { status: 'acknowledged' },
  ])
  stand({ ...taken, arrived: true })
  await vi.waitFor(() => expect(heard).toHaveLength(8), 10_000)
  passedMs += 60_000
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  expect(heard).toHaveLength(8)
  await client.endAsync()
  await harness.close()
})

test('who subscribes is told what stands at that moment', async () => {
  const lamp = await placeDevice(database.pool)
  becomes(lamp.homeId, taken)
  const client = await connect(one.ingest, lamp)
  const heard = listen(client)
  await client.subscribeAsync(topicOf(lamp), { qos: 1 })
  await vi.waitFor(() => expect(heard).toMatchObject([{ body: { status: 'acknowledged' } }]), 10_000)
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
  await vi.waitFor(() => expect(heard).toHaveLength(1), 10_000)
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
  await vi.waitFor(
    () =>
      expect(heard.map(({ topic }) => topic).sort()).toEqual([
        `care/v1/${homeId}/gateway/incident`,
        `care/v1/${homeId}/lamp/incident`,
      ]),
    10_000,
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
  await vi.waitFor(() => expect(heard).toHaveLength(1), 10_000)
  await client.endAsync()
  await third.close()
})
