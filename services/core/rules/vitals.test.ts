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

  it('is over after 60 s outside the band', () => {
    const home = begin()
    measures(home, { heartRatePerMin: 140 }, 8)
    expect(measures(home, { heartRatePerMin: 90 }, 6)).toEqual([])
    expect(measures(home, { heartRatePerMin: 90 }, 1)).toEqual(['returned vitals heart-rate'])
    expect(measures(home, { heartRatePerMin: 90 }, 10)).toEqual([])
  })
})
