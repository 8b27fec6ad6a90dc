import { describe, expect, it } from 'vitest'
import { decoder } from '../../../devices/index.ts'
import { factsOf, inShort, NOON, placed, tellStory } from './home-story.ts'

const DEVICES = [
  placed('smoke-kitchen', 'smoke-detector', { room: '厨房' }),
  placed('smoke-hall', 'smoke-detector'),
  placed('gas-kitchen', 'gas-detector'),
  placed('co-boiler', 'co-detector'),
  placed('fall-bath', 'fall-sensor'),
  placed('leak-bath', 'leak-sensor'),
]
const begin = (more = {}) => tellStory(decoder, factsOf(DEVICES, more), NOON)

describe('what a detector has decided', () => {
  it.each([
    ['smoke-kitchen', 'smoke'],
    ['gas-kitchen', 'gas'],
    ['co-boiler', 'co'],
    ['fall-bath', 'fall'],
    ['leak-bath', 'leak', 'warning'],
  ])('%s: the device flag opens an incident at once, and its end is told', (deviceId, kind, severity = 'critical') => {
    const home = begin()
    expect(home.says(deviceId, 'event', { kind, state: 'alarm' }).map(inShort)).toEqual([
      `raised ${severity} ${kind} ${kind}-alarm`,
    ])
    home.passes(60_000)
    expect(home.says(deviceId, 'event', { kind, state: 'cleared' }).map(inShort)).toEqual([`returned ${kind}`])
    expect(home.says(deviceId, 'event', { kind, state: 'cleared' })).toEqual([])
  })

  it('tells of a further detector at once, and returns with the last of them', () => {
    const home = begin()
    home.says('smoke-kitchen', 'event', { kind: 'smoke', state: 'alarm' })
    expect(home.says('smoke-hall', 'event', { kind: 'smoke', state: 'alarm' })).toMatchObject([
      { deviceId: 'smoke-hall' },
    ])
    expect(home.says('smoke-kitchen', 'event', { kind: 'smoke', state: 'cleared' })).toEqual([])
    expect(home.says('smoke-hall', 'event', { kind: 'smoke', state: 'cleared' }).map(inShort)).toEqual([
      'returned smoke',
    ])
  })

  it('tells an alarm that goes on again once a minute, so that nobody closes over a fire', () => {
    const home = begin()
    const told = Array.from({ length: 12 }, () => {
      home.passes(10_000)
      return home.says('smoke-hall', 'event', { kind: 'smoke', state: 'alarm' }).length
    })
    expect(told).toEqual([1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0])
  })

  it.each([
    ['fall-bath', 'fall', 60_000],
    ['leak-bath', 'leak', 3_600_000],
    ['co-boiler', 'co', 60_000],
  ])(
    '%s: an alarm whose end was never told is one again, for people may have closed the first',
    (deviceId, kind, ms) => {
      const home = begin()
      const alarm = () =>
        home.says(deviceId, 'event', { kind, state: 'alarm' }).filter((told) => told.kind === kind).length
      const told = [alarm()]
      home.passes(ms - 1_000)
      told.push(alarm())
      home.passes(1_000)
      told.push(alarm())
      home.passes(24 * 3_600_000)
      told.push(alarm())
      expect(told).toEqual([1, 0, 1, 1])
    },
  )

  it('takes nothing back for an end that is older than the alarm', () => {
    const home = begin()
    home.says('smoke-hall', 'event', { at: NOON - 1_000, kind: 'smoke', state: 'alarm' })
    expect(home.says('smoke-hall', 'event', { at: NOON - 5_000, kind: 'smoke', state: 'cleared' })).toEqual([])
  })

  it('knows a test from an alarm, and an alarm behind a test', () => {
    const home = begin()
    expect(home.says('smoke-hall', 'event', { kind: 'smoke', state: 'test' }).map(inShort)).toEqual([
      'test raised critical smoke smoke-alarm',
    ])
    expect(home.says('smoke-hall', 'event', { kind: 'smoke', state: 'alarm' }).map(inShort)).toEqual([
      'raised critical smoke smoke-alarm',
    ])
    expect(home.says('smoke-hall', 'event', { kind: 'smoke', state: 'test' })).toEqual([])
  })
})

describe('combustible gas by its reading', () => {
  const reads = (gasLelPercent: number) => ({ gasLelPercent })

  it('warns after 30 s above 5 % LEL, and not for a puff', () => {
    const home = begin()
    expect(home.says('gas-kitchen', 'telemetry', reads(6))).toEqual([])
    home.passes(20_000)
    expect(home.says('gas-kitchen', 'telemetry', reads(1))).toEqual([])
    expect(home.passes(60_000)).toEqual([])
    home.says('gas-kitchen', 'telemetry', reads(6))
    expect(home.passes(29_999)).toEqual([])
    expect(home.passes(1).map(inShort)).toEqual(['raised warning gas gas-raised'])
    expect(home.passes(600_000)).toEqual([])
    expect(home.says('gas-kitchen', 'telemetry', reads(4.9)).map(inShort)).toEqual(['returned gas'])
  })

  it('is an emergency after 5 s above 10 % LEL, also when the sensor says nothing more', () => {
    const home = begin()
    home.says('gas-kitchen', 'telemetry', reads(5))
    home.passes(10_000)
    home.says('gas-kitchen', 'telemetry', reads(10))
    expect(home.passes(4_999)).toEqual([])
    expect(home.passes(1)).toMatchObject([
      { severity: 'critical', why: { code: 'gas-high', values: { percent: 10 } }, at: home.now },
    ])
    home.passes(10_000)
    expect(home.says('gas-kitchen', 'telemetry', reads(6)), 'still raised, no step down').toEqual([])
  })

  it('is an emergency again when it was lower in between, also by one reading alone', () => {
    const home = begin()
    home.says('gas-kitchen', 'telemetry', reads(12))
    expect(home.passes(5_000)).toHaveLength(1)
    home.passes(600_000)
    home.says('gas-kitchen', 'telemetry', reads(7))
    home.passes(600_000)
    home.says('gas-kitchen', 'telemetry', reads(12))
    expect(home.passes(4_999)).toEqual([])
    expect(home.passes(1).map(inShort)).toEqual(['raised critical gas gas-high'])
    expect(home.passes(3_600_000)).toEqual([])
  })

  it('says when a warning became an emergency', () => {
    const home = begin()
    home.says('gas-kitchen', 'telemetry', reads(7))
    expect(home.passes(40_000).map(inShort)).toEqual(['raised warning gas gas-raised'])
    home.says('gas-kitchen', 'telemetry', reads(12))
    expect(home.passes(5_000).map(inShort)).toEqual(['raised critical gas gas-high'])
  })

  it('that is real stays real when it grows worse while the home is being tested', () => {
    const home = begin()
    home.says('gas-kitchen', 'telemetry', reads(7))
    home.passes(30_000)
    home.facts = factsOf(DEVICES, { testModeUntil: home.now + 3_600_000 })
    home.says('gas-kitchen', 'telemetry', reads(12))
    expect(home.passes(5_000).map(inShort)).toEqual(['raised critical gas gas-high'])
  })

  it('returns only when neither the reading nor the flag stands', () => {
    const home = begin()
    home.says('gas-kitchen', 'event', { kind: 'gas', state: 'alarm' })
    home.says('gas-kitchen', 'telemetry', reads(15))
    home.passes(6_000)
    expect(home.says('gas-kitchen', 'telemetry', reads(0))).toEqual([])
    expect(home.says('gas-kitchen', 'event', { kind: 'gas', state: 'cleared' }).map(inShort)).toEqual(['returned gas'])
  })

  it('judges a backlog by the time of its readings', () => {
    const home = begin()
    const told = Array.from({ length: 5 }, (_, index) => {
      home.passes(10)
      return home.says('gas-kitchen', 'telemetry', {
        at: NOON - 3_600_000 + index * 20_000,
        ...reads(index < 3 ? 7 : 1),
      })
    })
    expect(told.map((signals) => signals.map(inShort))).toEqual([
      [],
      [],
      ['raised warning gas gas-raised'],
      ['returned gas'],
      [],
    ])
  })

  it('is dangerous also where the clock of the detector was set back', () => {
    const home = begin()
    const offBy = { ms: 0 }
    const reading = (percent: number) =>
      home.says('gas-kitchen', 'telemetry', { at: home.now + offBy.ms, ...reads(percent) })
    for (let minute = 0; minute < 5; minute += 1) {
      reading(1)
      home.passes(60_000)
    }
    offBy.ms = -3_600_000
    expect(reading(12)).toEqual([])
    expect(home.passes(5_000).map(inShort)).toEqual(['raised critical gas gas-high'])
    home.passes(55_000)
    expect(reading(1).map(inShort)).toEqual(['returned gas'])
  })

  it('that comes with a backlog behind what is new is over when the backlog says so', () => {
    const home = begin()
    home.says('gas-kitchen', 'telemetry', { at: NOON, ...reads(1) })
    const told = [12, 12, 1, 0].map((percent, index) => {
      home.passes(10)
      return home.says('gas-kitchen', 'telemetry', { at: NOON - 3_600_000 + index * 20_000, ...reads(percent) })
    })
    expect([...told.flat(), ...home.passes(60_000)]).toEqual([])
  })

  it('takes nothing back by older news', () => {
    const home = begin()
    home.says('gas-kitchen', 'telemetry', { at: NOON, ...reads(12) })
    home.passes(10)
    home.says('gas-kitchen', 'telemetry', { at: NOON - 3_600_000, ...reads(1) })
    expect(home.passes(5_000).map(inShort)).toEqual(['raised critical gas gas-high'])
  })
})
