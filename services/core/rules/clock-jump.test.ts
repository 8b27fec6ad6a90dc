import { describe, expect, it } from 'vitest'
import { decoder } from '../../../devices/index.ts'
import { applyClockJump } from './clock-jump.ts'
import { fireTimers } from './home-fold.ts'
import { factsOf, inShort, NOON, placed, type Story, tellStory } from './home-story.ts'
import { OFFLINE_GRACE_MS } from './supervision.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const BEHIND = [placed('gw', 'gateway'), placed('sos-bath', 'sos-button', { gatewayId: 'gw' })]
const ONLINE = { state: 'online' }

describe('a clock that jumps', () => {
  /** The clock moves by `gapMs` beside the time that passes; every input after it is told with the new clock. */
  function jump(home: Story, gapMs: number): void {
    home.now += gapMs
    home.state = applyClockJump(home.state, gapMs)
    home.wakeAt = fireTimers(home.state, home.state.now, home.facts).wakeAt
  }
  function atHome(): Story {
    const home = tellStory(decoder, factsOf(BEHIND), NOON)
    home.says('gw', 'status', ONLINE)
    home.passes(MINUTE)
    return home
  }

  it.each([
    ['an hour forward', HOUR],
    ['an hour back', -HOUR],
    ['ten minutes forward, for which it had stood still', 10 * MINUTE],
  ])('%s makes nobody silent, and silence goes on being measured at once', (_, gapMs) => {
    const home = atHome()
    jump(home, gapMs)
    expect(home.state.now).toBe(NOON + gapMs)
    expect(home.passes(2 * MINUTE - 1)).toEqual([])
    expect(home.passes(1).map(inShort)).toEqual(['raised technical technical gw:lost gateway-lost'])
    expect(home.last?.signals[0]).toMatchObject({ at: NOON + gapMs + 3 * MINUTE, why: { values: { minutes: 3 } } })
  })

  it('lets a device that said goodbye go after its short time, whichever way it jumped', () => {
    for (const gapMs of [HOUR, -HOUR]) {
      const home = atHome()
      home.says('gw', 'status', { state: 'offline' })
      home.passes(5_000)
      jump(home, gapMs)
      expect(home.passes(OFFLINE_GRACE_MS - 5_000 - 1)).toEqual([])
      expect(home.passes(1).map(inShort)).toEqual(['raised technical technical gw:lost gateway-lost'])
    }
  })

  it('back by an hour neither hides what devices say next nor holds their timers', () => {
    const devices = [placed('gas-kitchen', 'gas-detector'), placed('sos-bath', 'sos-button')]
    const home = tellStory(decoder, factsOf(devices), NOON)
    home.says('gas-kitchen', 'telemetry', { gasLelPercent: 30 })
    expect(home.passes(4_000)).toEqual([])
    jump(home, -HOUR)
    expect(home.passes(1_000).map(inShort)).toEqual(['raised critical gas gas-high'])
    home.passes(MINUTE)
    expect(home.says('gas-kitchen', 'telemetry', { gasLelPercent: 0 }).map(inShort)).toEqual(['returned gas'])
    expect(home.says('sos-bath', 'event', { id: 'p1', kind: 'sos', state: 'pressed' })).toMatchObject([
      { at: home.now, receivedAt: home.now },
    ])
  })

  it('forward fires what is due for a person: the time may have passed while everything slept', () => {
    const home = tellStory(decoder, factsOf([placed('gas-kitchen', 'gas-detector')]), NOON)
    home.says('gas-kitchen', 'telemetry', { gasLelPercent: 30 })
    home.passes(2_000)
    home.now += HOUR
    home.state = applyClockJump(home.state, HOUR)
    home.wakeAt = home.now
    expect(home.passes(0).map(inShort)).toEqual(['raised critical gas gas-high'])
  })
})
