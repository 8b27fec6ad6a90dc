import { afterEach, beforeEach, expect, test } from 'vitest'
import { connectDevice } from './device-connection.ts'
import { type Homes, type Lamp, startHomes } from './homes.ts'
import { bedOccupied, communityTime } from './resident.ts'
import { seededRandom } from './seeded.ts'
import { ALL_KINDS, demoOf, type Relay, startBroker, startRelay, type TestBroker } from './testing/broker.ts'

let broker: TestBroker
let relay: Relay
let homes: Homes | null = null
beforeEach(async () => {
  broker = await startBroker()
  relay = await startRelay(broker.port)
})
afterEach(async () => {
  await homes?.close()
  homes = null
  await relay.close()
  await broker.close()
})

test('every device of every home says that it is there, and a press is acknowledged', async () => {
  const lamps: Lamp[] = []
  homes = startHomes({ demo: demoOf(broker.url, ['home-1', 'home-2']), seed: 3, onLamp: (lamp) => lamps.push(lamp) })
  await expect
    .poll(() => new Set(broker.heard.filter(({ body }) => body.state === 'online').map(({ topic }) => topic)).size)
    .toBe(2 * ALL_KINDS.length)

  const said = await homes.press('home-2', 'sos-button-1')
  expect(said.topic).toBe('care/v1/home-2/sos-button-1/event')
  await expect
    .poll(() => broker.heard.find(({ topic }) => topic === said.topic)?.body)
    .toMatchObject({ id: said.id, kind: 'sos', state: 'pressed' })

  await broker.say('care/v1/home-2/sos-button-1/incident', { incidentId: 'i-1', kind: 'sos', status: 'open' })
  await expect.poll(() => lamps).toMatchObject([{ homeId: 'home-2', incident: { incidentId: 'i-1' } }])
  await expect(homes.press('home-2', 'nothing-1')).rejects.toMatchObject({ code: 'no-such-device' })
})

test('a cut wire makes the broker speak the last will, and the devices come back by themselves', async () => {
  homes = startHomes({ demo: demoOf(relay.url, ['home-1']), seed: 3 })
  // It says that it is there again and again; what counts is each change.
  const gatewaySaid = () =>
    broker.heard
      .filter(({ topic }) => topic.endsWith('gateway-1/status'))
      .map(({ body }) => body.state)
      .filter((state, at, all) => state !== all[at - 1])
  await expect.poll(gatewaySaid).toEqual(['online'])
  relay.cut()
  await expect.poll(gatewaySaid).toEqual(['online', 'offline'])
  await expect.poll(gatewaySaid).toEqual(['online', 'offline', 'online'])
})

test('a press whose acknowledgement was lost is sent again, under the same id', async () => {
  const [home] = demoOf(relay.url, ['home-1']).homes
  const device = home?.devices[0]
  if (!device) throw new Error('no device')
  const button = connectDevice({
    url: relay.url,
    homeId: 'home-1',
    device,
    clientId: 'button',
    run: 'run',
    random: seededRandom(1),
  })
  await button.subscribed
  relay.swallowAnswers = true
  const pressing = button.event({ kind: 'sos', state: 'pressed' })
  const presses = () => broker.received.filter(({ topic }) => topic.endsWith('/event'))
  await expect.poll(presses).toHaveLength(1)
  relay.swallowAnswers = false
  relay.cut()

  const said = await pressing
  // The mqtt package sends again without the DUP flag: only the id tells that it is the same press.
  expect(presses().map(({ body }) => body.id)).toEqual([said.id, said.id])
  expect(presses()[1]?.body).toEqual(presses()[0]?.body)
  await button.close()
})

test('a press before there is any connection waits for it; a measurement does not', async () => {
  const [home] = demoOf(broker.url, ['home-1']).homes
  const device = home?.devices[0]
  if (!device) throw new Error('no device')
  const options = { url: broker.url, homeId: 'home-1', device, clientId: 'button', run: 'run', random: seededRandom(1) }
  const button = connectDevice(options)
  expect(button.telemetry({ movement: 1 })).toBeNull()
  await button.event({ kind: 'sos', state: 'pressed' })
  expect(broker.received.map(({ topic }) => topic)).toEqual(['care/v1/home-1/sos-button-1/event'])
  await button.close()
})

test('an ordinary night leaves the bed once, for less than five minutes, and is the same for the same seed', () => {
  const midnightMs = Date.UTC(2026, 0, 1, 16)
  expect(communityTime(midnightMs).minute).toBe(0)
  for (let seed = 1; seed <= 50; seed += 1) {
    const night = Array.from({ length: 6 * 60 * 6 }, (_, step) =>
      bedOccupied(seed, 'home-1', midnightMs + step * 10_000),
    )
    const emptySteps = night.filter((occupied) => !occupied).length
    expect(emptySteps).toBeGreaterThan(0)
    expect(emptySteps).toBeLessThan(30)
    const exits = night.filter((occupied, step) => !occupied && night[step - 1] === true).length
    expect(exits).toBe(1)
    expect(night).toEqual(night.map((_, step) => bedOccupied(seed, 'home-1', midnightMs + step * 10_000)))
  }
})
