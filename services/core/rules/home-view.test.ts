import { describe, expect, test } from 'vitest'
import { decoder } from '../../../devices/index.ts'
import { factsOf, NIGHT, placed, tellStory } from './home-story.ts'
import { glanceAtDevices, glanceAtHome } from './home-view.ts'

const DEVICES = [
  placed('gateway', 'gateway'),
  placed('sos-bath', 'sos-button', { room: 'bathroom', gatewayId: 'gateway' }),
  placed('sleep-bed', 'sleep-monitor', { room: 'bedroom' }),
]
const MINUTE = 60_000

describe('a home at a glance', () => {
  test('before anything was heard says nothing is known', () => {
    const noLife = { lastSignOfLifeAt: null, lastSignOfLifeRoom: null, lastSignOfLifeInBed: false }
    const nothing = { lastWordAt: null, ...noLife, gatewayLost: false }
    expect(glanceAtHome(null, DEVICES)).toEqual({ ...nothing, devicesTotal: 3, devicesLost: 0 })
    const { state } = tellStory(decoder, factsOf(DEVICES), NIGHT)
    expect(glanceAtHome(state, DEVICES)).toEqual({ ...nothing, devicesTotal: 3, devicesLost: 0 })
    expect(glanceAtDevices(state, DEVICES).map((device) => device.state)).toEqual(['unknown', 'unknown', 'unknown'])
  })

  test('tells a device’s word from a person’s sign of life', () => {
    const story = tellStory(decoder, factsOf(DEVICES), NIGHT)
    story.says('sos-bath', 'status', { state: 'online', batteryPercent: 88 })
    expect(glanceAtHome(story.state, DEVICES)).toMatchObject({ lastWordAt: NIGHT, lastSignOfLifeAt: null })
    story.passes(MINUTE)
    story.says('sleep-bed', 'telemetry', { id: '0', bedOccupied: false })
    story.says('sleep-bed', 'telemetry', { id: 'a', bedOccupied: true })
    const inBed = { lastSignOfLifeAt: NIGHT + MINUTE, lastSignOfLifeRoom: 'bedroom', lastSignOfLifeInBed: true }
    expect(glanceAtHome(story.state, DEVICES)).toMatchObject(inBed)
    story.passes(MINUTE)
    story.says('sleep-bed', 'telemetry', { id: 'b', bedOccupied: false })
    const gotUp = { lastSignOfLifeAt: NIGHT + 2 * MINUTE, lastSignOfLifeRoom: 'bedroom', lastSignOfLifeInBed: false }
    expect(glanceAtHome(story.state, DEVICES)).toMatchObject(gotUp)
    story.passes(MINUTE)
    // An empty bed that goes on being empty is no sign of anybody.
    story.says('sleep-bed', 'telemetry', { id: 'c', bedOccupied: false })
    expect(glanceAtHome(story.state, DEVICES)).toMatchObject({ lastWordAt: NIGHT + 3 * MINUTE, ...gotUp })
    story.says('sos-bath', 'event', { id: 'd', kind: 'sos', state: 'pressed' })
    const pressed = { lastSignOfLifeAt: NIGHT + 3 * MINUTE, lastSignOfLifeRoom: 'bathroom' }
    expect(glanceAtHome(story.state, DEVICES)).toMatchObject(pressed)
  })

  test('weight on the mat is no sign of life; lying down, moving, a pulse and a breath are', () => {
    const story = tellStory(decoder, factsOf(DEVICES), NIGHT)
    const says = (values: object) => {
      story.passes(MINUTE)
      story.says('sleep-bed', 'telemetry', { id: String(story.state.now), ...values })
      return glanceAtHome(story.state, DEVICES).lastSignOfLifeAt
    }
    // Nobody saw who or what came to lie there.
    expect(says({ bedOccupied: true })).toBeNull()
    expect(says({ bedOccupied: true, movement: 0, heartRatePerMin: 0, respirationPerMin: 0 })).toBeNull()
    expect(says({ bedOccupied: true, movement: 2 })).toBe(NIGHT + 3 * MINUTE)
    expect(says({ bedOccupied: true })).toBe(NIGHT + 3 * MINUTE)
    expect(says({ bedOccupied: true, heartRatePerMin: 62 })).toBe(NIGHT + 5 * MINUTE)
    expect(says({ bedOccupied: true, respirationPerMin: 14 })).toBe(NIGHT + 6 * MINUTE)
    // What no living person has, and what the device itself does not trust.
    expect(says({ bedOccupied: true, heartRatePerMin: 300, respirationPerMin: 1 })).toBe(NIGHT + 6 * MINUTE)
    expect(says({ bedOccupied: true, heartRatePerMin: 62, signalQuality: 0.1 })).toBe(NIGHT + 6 * MINUTE)
    says({ bedOccupied: false })
    expect(says({ bedOccupied: false, heartRatePerMin: 62, movement: 1 })).toBe(NIGHT + 9 * MINUTE)
    says({ bedOccupied: true })
    expect(glanceAtHome(story.state, DEVICES)).toMatchObject({
      lastSignOfLifeAt: NIGHT + 11 * MINUTE,
      lastSignOfLifeInBed: true,
    })
  })

  test('somebody who moves about in any room lives; a room that is quiet again says nothing', () => {
    const devices = [...DEVICES, placed('motion-living', 'motion-sensor', { room: 'living room' })]
    const story = tellStory(decoder, factsOf(devices), NIGHT)
    story.says('motion-living', 'status', { state: 'online' })
    expect(glanceAtHome(story.state, devices)).toMatchObject({ lastSignOfLifeAt: null })
    story.says('motion-living', 'event', { id: 'a', kind: 'motion', state: 'detected' })
    story.passes(MINUTE)
    story.says('motion-living', 'event', { id: 'b', kind: 'motion', state: 'clear' })
    const moved = { lastSignOfLifeAt: NIGHT, lastSignOfLifeRoom: 'living room', lastWordAt: NIGHT + MINUTE }
    expect(glanceAtHome(story.state, devices)).toMatchObject(moved)
  })

  test('a gateway that is silent is lost, and one that comes back is not', () => {
    const story = tellStory(decoder, factsOf(DEVICES), NIGHT)
    story.says('gateway', 'status', { state: 'online' })
    story.says('sos-bath', 'status', { state: 'online', batteryPercent: 88 })
    expect(glanceAtDevices(story.state, DEVICES)).toMatchObject([
      { state: 'online' },
      { state: 'online', lastSeenAt: NIGHT, batteryPercent: 88 },
      { state: 'unknown' },
    ])
    story.passes(5 * MINUTE)
    expect(glanceAtHome(story.state, DEVICES)).toMatchObject({ gatewayLost: true, lastWordAt: NIGHT })
    story.says('gateway', 'status', { state: 'online' })
    expect(glanceAtHome(story.state, DEVICES)).toMatchObject({ gatewayLost: false, lastWordAt: NIGHT + 5 * MINUTE })
  })

  test('a device whose last will came is away at once', () => {
    const story = tellStory(decoder, factsOf(DEVICES), NIGHT)
    story.says('sos-bath', 'status', { state: 'online' })
    story.says('sos-bath', 'status', { state: 'offline' })
    expect(glanceAtHome(story.state, DEVICES)).toMatchObject({ devicesLost: 1, gatewayLost: false })
  })

  test('a device taken off the wall says nothing any more', () => {
    const story = tellStory(decoder, factsOf(DEVICES), NIGHT)
    story.says('sleep-bed', 'telemetry', { id: 'a', bedOccupied: true })
    const left = DEVICES.filter(({ deviceId }) => deviceId !== 'sleep-bed')
    expect(glanceAtHome(story.state, left)).toMatchObject({ lastWordAt: null, lastSignOfLifeAt: null, devicesTotal: 2 })
  })
})
