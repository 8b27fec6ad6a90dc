import { describe, expect, it } from 'vitest'
import { decoder } from '../../../devices/index.ts'
import { factsOf, inShort, NOON, placed, tellStory } from './home-story.ts'
import { DEFAULT_SETTINGS } from './settings.ts'
import { OFFLINE_GRACE_MS } from './supervision.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const ALONE = [placed('sos-bath', 'sos-button'), placed('climate', 'climate-sensor')]
const BEHIND = [
  placed('gw', 'gateway'),
  placed('sos-bath', 'sos-button', { gatewayId: 'gw' }),
  placed('smoke-kitchen', 'smoke-detector', { gatewayId: 'gw' }),
]
const ONLINE = { state: 'online' }

describe('a silent device', () => {
  it('is lost after its time by its kind, placed but never heard too, and found by any message', () => {
    const home = tellStory(decoder, factsOf(ALONE), NOON)
    expect(home.passes(3 * HOUR - 1)).toEqual([])
    expect(home.passes(1).map(inShort)).toEqual(['raised technical technical sos-bath:lost device-lost'])
    expect(home.last?.deviceChanges).toEqual([
      { deviceId: 'sos-bath', status: 'lost', batteryPercent: null, heardAt: null },
    ])
    expect(home.passes(HOUR).map(inShort)).toEqual(['raised technical technical climate:lost device-lost'])
    expect(home.says('sos-bath', 'telemetry', { nothing: 'known' }).map(inShort)).toEqual([
      'returned technical sos-bath:lost',
    ])
    expect(home.last?.rejected).toBe('nothing-known')
    expect(home.passes(3 * HOUR)).toHaveLength(1)
  })

  it('is not lost while it speaks, whatever its own clock says', () => {
    const home = tellStory(decoder, factsOf([placed('climate', 'climate-sensor')]), NOON)
    for (let hour = 0; hour < 12; hour += 1) {
      expect(home.passes(HOUR)).toEqual([])
      home.says('climate', 'telemetry', { at: '2001-01-01T00:00:00Z', temperatureC: 20 + hour })
    }
  })

  it('is lost a moment after its last will, unless it reconnects', () => {
    const home = tellStory(decoder, factsOf(ALONE), NOON)
    home.says('climate', 'status', ONLINE)
    home.says('climate', 'status', { state: 'offline' })
    home.passes(OFFLINE_GRACE_MS - 1)
    home.says('climate', 'status', ONLINE)
    expect(home.passes(MINUTE)).toEqual([])
    home.says('climate', 'status', { state: 'offline' })
    expect(home.passes(OFFLINE_GRACE_MS).map(inShort)).toEqual(['raised technical technical climate:lost device-lost'])
  })

  it('that is retired is missed no more', () => {
    const home = tellStory(decoder, factsOf(ALONE), NOON)
    home.passes(5 * HOUR)
    home.facts = factsOf(ALONE.map((device) => ({ ...device, retired: device.deviceId === 'climate' })))
    expect(home.says('sos-bath', 'status', ONLINE).map(inShort)).toEqual([
      'returned technical climate:lost',
      'returned technical sos-bath:lost',
    ])
    expect(home.state.devices.map(({ id }) => id)).toEqual(['sos-bath'])
    expect(home.says('climate', 'status', ONLINE)).toEqual([])
    expect(home.last?.rejected).toBe('unknown-device')
  })
})

describe('a silent gateway', () => {
  it('is one incident, not one for each device behind it', () => {
    const home = tellStory(decoder, factsOf(BEHIND), NOON)
    home.says('sos-bath', 'status', ONLINE)
    home.passes(1_000)
    home.says('gw', 'status', ONLINE)
    expect(home.passes(24 * HOUR)).toMatchObject([
      { subject: 'gw:lost', why: { code: 'gateway-lost', values: { devices: 2 } }, at: NOON + 1_000 + 3 * MINUTE },
    ])
  })

  it('gives those behind it their whole time anew when it is back', () => {
    const home = tellStory(decoder, factsOf(BEHIND), NOON)
    home.passes(24 * HOUR)
    expect(home.says('gw', 'status', ONLINE).map(inShort)).toEqual(['returned technical gw:lost'])
    const told: string[] = []
    for (let minute = 0; minute < 5 * 60; minute += 1) {
      told.push(...home.passes(MINUTE).map(inShort), ...home.says('gw', 'status', ONLINE).map(inShort))
    }
    expect(told).toEqual([
      'raised technical technical sos-bath:lost device-lost',
      'raised technical technical smoke-kitchen:lost device-lost',
    ])
  })

  it('leaves those behind it unjudged while it is itself in doubt', () => {
    const settings = { ...DEFAULT_SETTINGS, gatewayLostSeconds: 3_600, sosButtonLostMinutes: 5, deviceLostMinutes: 5 }
    const home = tellStory(decoder, factsOf(BEHIND, { settings }), NOON)
    home.says('sos-bath', 'status', ONLINE)
    home.says('smoke-kitchen', 'status', ONLINE)
    expect(home.passes(59 * MINUTE)).toEqual([])
    expect(home.says('gw', 'status', ONLINE)).toEqual([])
    expect(home.passes(4 * MINUTE)).toEqual([])
  })

  it('is heard through the devices behind it', () => {
    const home = tellStory(decoder, factsOf(BEHIND), NOON)
    home.passes(HOUR)
    expect(home.says('sos-bath', 'status', ONLINE).map(inShort)).toEqual(['returned technical gw:lost'])
  })

  it('says it soonest by its last will', () => {
    const home = tellStory(decoder, factsOf(BEHIND), NOON)
    home.says('sos-bath', 'status', { state: 'offline' })
    home.says('gw', 'status', { state: 'offline' })
    expect(home.passes(OFFLINE_GRACE_MS).map(inShort)).toEqual(['raised technical technical gw:lost gateway-lost'])
    expect(home.passes(24 * HOUR)).toEqual([])
  })

  it('is missed as soon as its class asks', () => {
    const settings = { ...DEFAULT_SETTINGS, gatewayLostSeconds: 20 }
    const home = tellStory(decoder, factsOf(BEHIND, { settings }), NOON)
    home.says('gw', 'status', ONLINE)
    expect(home.passes(19_999)).toEqual([])
    expect(home.passes(1)).toHaveLength(1)
  })
})
