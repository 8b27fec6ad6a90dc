import { describe, expect, it } from 'vitest'
import { decoder } from '../../../devices/index.ts'
import { factsOf, inShort, NIGHT, placed, tellStory } from './home-story.ts'

const begin = () => tellStory(decoder, factsOf([placed('sleep-bed', 'sleep-monitor')]), NIGHT)

type Values = { heartRatePerMin?: number; respirationPerMin?: number; bedOccupied?: boolean; signalQuality?: number }

/** The monitor says the same every 10 s for so many readings; what was signalled, in short. */
function measures(home: ReturnType<typeof begin>, values: Values, count: number): string[] {
  return Array.from({ length: count }, () => {
    home.passes(10_000)
    return home.says('sleep-bed', 'telemetry', { bedOccupied: true, signalQuality: 0.9, ...values }).map(inShort)
  }).flat()
}

describe('heart rate and respiration', () => {
  it.each([
    [{ heartRatePerMin: 40 }, 'vitals heart-rate heart-rate-low'],
    [{ heartRatePerMin: 131 }, 'vitals heart-rate heart-rate-high'],
    [{ respirationPerMin: 8 }, 'vitals respiration respiration-low'],
    [{ respirationPerMin: 25 }, 'vitals respiration respiration-high'],
  ])('%o for 60 s is a warning, once', (values, expected) => {
    const home = begin()
    expect(measures(home, values, 6)).toEqual([])
    expect(measures(home, values, 1)).toEqual([`raised warning ${expected}`])
    expect(measures(home, values, 30)).toEqual([])
  })

  it.each([{ heartRatePerMin: 41 }, { heartRatePerMin: 130 }, { respirationPerMin: 9 }, { respirationPerMin: 24 }])(
    '%o is amber: nothing',
    (values) => {
      expect(measures(begin(), values, 30)).toEqual([])
    },
  )

  it.each([
    ['a weak signal', { heartRatePerMin: 30, signalQuality: 0.5 }],
    ['nobody in bed', { heartRatePerMin: 30, bedOccupied: false }],
    ['no reading', { heartRatePerMin: 0, respirationPerMin: 0 }],
  ])('%s is judged by nothing', (_, values) => {
    expect(measures(begin(), values, 30)).toEqual([])
  })

  it('starts again after a good reading, a weak signal or a silence', () => {
    for (const between of [{ heartRatePerMin: 60 }, { heartRatePerMin: 30, signalQuality: 0.1 }]) {
      const home = begin()
      expect(measures(home, { heartRatePerMin: 30 }, 6)).toEqual([])
      measures(home, between, 1)
      expect(measures(home, { heartRatePerMin: 30 }, 6)).toEqual([])
    }
    const home = begin()
    measures(home, { heartRatePerMin: 30 }, 3)
    home.passes(6 * 60_000)
    expect(measures(home, { heartRatePerMin: 30 }, 6)).toEqual([])
  })

  it('is over when the resident gets up, and told again the next night', () => {
    const home = begin()
    expect(measures(home, { heartRatePerMin: 140 }, 8)).toHaveLength(1)
    home.passes(10_000)
    expect(home.says('sleep-bed', 'event', { kind: 'bed', state: 'empty' }).map(inShort)).toEqual([
      'returned vitals heart-rate',
    ])
    home.says('sleep-bed', 'event', { kind: 'bed', state: 'occupied' })
    expect(measures(home, { heartRatePerMin: 140 }, 8)).toEqual(['raised warning vitals heart-rate heart-rate-high'])
  })

  it('is over after 60 s outside the band', () => {
    const home = begin()
    measures(home, { heartRatePerMin: 140 }, 8)
    expect(measures(home, { heartRatePerMin: 90 }, 6)).toEqual([])
    expect(measures(home, { heartRatePerMin: 90 }, 1)).toEqual(['returned vitals heart-rate'])
    expect(measures(home, { heartRatePerMin: 90 }, 10)).toEqual([])
  })

  it('are red also where the clock of the monitor was set back', () => {
    const home = begin()
    const offBy = { ms: 0 }
    const measured = (heartRatePerMin: number) => {
      home.passes(60_000)
      const said = { at: home.now + offBy.ms, bedOccupied: true, heartRatePerMin }
      return home.says('sleep-bed', 'telemetry', said).map(inShort)
    }
    for (let minute = 0; minute < 5; minute += 1) measured(60)
    offBy.ms = -3_600_000
    const told = Array.from({ length: 3 }, () => measured(30)).flat()
    expect(told).toEqual(['raised warning vitals heart-rate heart-rate-low'])
  })

  it('that were red long ago, and come behind what is new, are judged by their own time', () => {
    const home = begin()
    home.says('sleep-bed', 'telemetry', { at: home.now, bedOccupied: true, heartRatePerMin: 60 })
    const told = Array.from({ length: 12 }, (_, index) => {
      home.passes(10)
      const said = { at: NIGHT - 3_600_000 + index * 10_000, bedOccupied: true }
      return home.says('sleep-bed', 'telemetry', { ...said, heartRatePerMin: index < 5 ? 30 : 60 })
    })
    expect([...told.flat(), ...home.passes(3_600_000).filter(({ kind }) => kind !== 'technical')]).toEqual([])
  })
})
