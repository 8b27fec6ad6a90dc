import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { connect, type Harness, placeDevice, startHarness, storedRows } from './testing/ingest-harness.ts'
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

test('two homes on the same topics neither hear nor move each other', async () => {
  const [one, other] = [await placeDevice(database.pool), await placeDevice(database.pool)]
  const [first, second] = [await connect(harness.ingest, one), await connect(harness.ingest, other)]
  const heard: string[] = []
  for (const client of [first, second]) client.on('message', (topic) => heard.push(topic))
  // Granted, for each home has its own zigbee2mqtt, and silent.
  expect(await second.subscribeAsync('zigbee2mqtt/#', { qos: 1 })).toMatchObject([{ qos: 1 }])
  expect(await first.subscribeAsync('zigbee2mqtt/door', { qos: 1 })).toMatchObject([{ qos: 1 }])
  await first.publishAsync('zigbee2mqtt/door', '{"contact":true}', { qos: 1, retain: true })
  await second.publishAsync('zigbee2mqtt/door', '{"contact":false}', { qos: 0 })
  await second.publishAsync('zigbee2mqtt/door', '{"contact":false}', { qos: 1 })
  // Nothing retained is kept by the broker either.
  await second.unsubscribeAsync('zigbee2mqtt/#')
  await second.subscribeAsync('zigbee2mqtt/door')
  await second.publishAsync('zigbee2mqtt/door', 'last', { qos: 2 })
  expect(heard).toEqual([])
  expect((await storedRows(database.pool, one.homeId)).map(({ account }) => account)).toEqual([one.username])
  expect(await storedRows(database.pool, other.homeId)).toHaveLength(3)
  await Promise.all([first.endAsync(), second.endAsync()])
})

test.each([
  ['the topic of another home', 'care/v1/home-elsewhere/sos-bath/event', 'topic-not-allowed'],
  ['a topic that is ours to publish on', 'care/v1/HOME/sos-bath/incident', 'topic-not-allowed'],
  ['another version of the native topics', 'care/v2/HOME/sos-bath/event', 'topic-not-allowed'],
  ['$SYS', '$SYS/broker/new/clients', 'reserved-topic'],
  ['anything else with $', '$share/a/care', 'reserved-topic'],
  ['a topic longer than any', `shelly/${'x'.repeat(1_100)}`, 'topic-too-long'],
  ['a topic of two hundred levels', `${'a/'.repeat(200)}a`, null],
])('%s: stored with its reason, acknowledged, and the connection goes on', async (_name, pattern, rejected) => {
  const account = await placeDevice(database.pool)
  const topic = pattern.replace('HOME', account.homeId)
  const button = await rawLogin(harness.ingest, account)
  button.send(publishPacket(topic, 'x', { messageId: 1 }))
  await button.next('puback', 1)
  button.send(publishPacket(`care/v1/${account.homeId}/sos-bath/event`, 'y', { messageId: 2 }))
  await button.next('puback', 2)
  const rows = await storedRows(database.pool, account.homeId)
  expect(rows.map((row) => [row.topic, row.rejected])).toEqual([
    [topic, rejected],
    [`care/v1/${account.homeId}/sos-bath/event`, null],
  ])
  if (rejected) expect(harness.counts.get(`anlin_messages_rejected_total ${rejected}`)).toBeGreaterThan(0)
  button.socket.destroy()
})

test('a client that names itself like another cannot disconnect it, nor can one through $SYS', async () => {
  const [one, other] = [await placeDevice(database.pool), await placeDevice(database.pool)]
  const victim = await rawLogin(harness.ingest, one, { clientId: 'button' })
  const twin = await rawLogin(harness.ingest, other, { clientId: 'button' })
  const spoof = await rawLogin(harness.ingest, other, { clientId: `x/../${encodeURIComponent(one.username)}/button` })
  spoof.send(publishPacket('$SYS/elsewhere/new/clients', `${encodeURIComponent(one.username)}/button`))
  await spoof.next('puback')
  victim.send({ cmd: 'pingreq' })
  await victim.next('pingresp')
  for (const client of [victim, twin, spoof]) client.socket.destroy()
})

test('subscriptions reach the own home and devices only; everything else is answered with failure', async () => {
  const { homeId, ...account } = await placeDevice(database.pool)
  const button = await connect(harness.ingest, { homeId, ...account })
  const ask = async (filter: string) => (await button.subscribeAsync(filter, { qos: 1 }).catch(() => []))[0]?.qos ?? 128
  const granted = [`care/v1/${homeId}/sos-bath/incident`, `care/v1/${homeId}/+/command`, 'shellies/x/command']
  const refused = [
    '#',
    '+/v1/#',
    'care/#',
    `care/v1/${homeId}/#`,
    `care/v1/${homeId}/sos-bath/event`,
    `care/v1/${homeId}/sos-bath/+`,
    'care/v1/+/sos-bath/incident',
    'care/v1/home-elsewhere/sos-bath/incident',
    `care/v1/${homeId}/lamp-of-nobody/incident`,
    '$SYS/#',
    '$share/group/care/#',
  ]
  for (const filter of granted) expect([filter, await ask(filter)]).toEqual([filter, 1])
  for (const filter of refused) expect([filter, await ask(filter)]).toEqual([filter, 128])
  await button.endAsync()
})

test('a gateway speaks for the devices behind it, from the moment they are placed', async () => {
  const gateway = await placeDevice(database.pool, { deviceId: 'gateway', kind: 'gateway' })
  const { homeId } = gateway
  await placeDevice(database.pool, { homeId, deviceId: 'smoke', kind: 'smoke-detector', gatewayId: 'gateway' })
  await placeDevice(database.pool, { homeId, deviceId: 'door', kind: 'door-contact' })
  const client = await connect(harness.ingest, gateway)
  const publish = (deviceId: string, leaf: string) =>
    client.publishAsync(`care/v1/${homeId}/${deviceId}/${leaf}`, '{}', { qos: 1 })
  for (const leaf of ['event', 'telemetry', 'status']) await publish('smoke', leaf)
  await publish('gateway', 'telemetry')
  await publish('door', 'telemetry')
  const rows = await storedRows(database.pool, homeId)
  expect(rows.map(({ lane, rejected }) => [lane, rejected])).toEqual([
    [0, null],
    [1, null],
    [1, null],
    [1, null],
    [1, 'topic-not-allowed'],
  ])
  await database.pool.query("update device set gateway_id = 'gateway' where home_id = $1 and device_id = 'door'", [
    homeId,
  ])
  harness.announce({ kind: 'device', homeId, ref: 'door' })
  await vi.waitFor(async () => {
    await publish('door', 'event')
    expect((await storedRows(database.pool, homeId)).at(-1)?.rejected).toBeNull()
  }, 10_000)
  await client.endAsync()
})
