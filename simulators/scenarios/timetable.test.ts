import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { communityTime } from '../homes/resident.ts'
import { badNight } from './bad-night.ts'
import { SCENARIOS } from './index.ts'
import { timetable } from './timetable.ts'

const DAY_MS = 86_400_000
const anyNow = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2030, 0, 1) })

describe.each(SCENARIOS)('$name', (scenario) => {
  test('never speaks of the future, nor of more than a day ago, and keeps its order', () => {
    fc.assert(
      fc.property(anyNow, fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1 }), (nowMs, speed, seed) => {
        const steps = timetable(scenario, seed, speed, nowMs)
        steps.forEach(({ sendAtMs, saysAtMs }, index) => {
          expect(saysAtMs).toBeLessThanOrEqual(Math.ceil(sendAtMs))
          expect(saysAtMs).toBeGreaterThan(sendAtMs - DAY_MS)
          expect(sendAtMs).toBeGreaterThanOrEqual(steps[index - 1]?.sendAtMs ?? nowMs)
        })
      }),
      { numRuns: 20 },
    )
  })

  test('is the same for the same seed', () => {
    expect(scenario.build(5, 130)).toEqual(scenario.build(5, 130))
  })
})

test('a hurried bad night begins in the small hours, whenever it is played', () => {
  fc.assert(
    fc.property(anyNow, (nowMs) => {
      const { minute } = communityTime(timetable(badNight, 1, 60, nowMs)[0]?.saysAtMs ?? 0)
      expect(minute).toBeGreaterThan(69)
      expect(minute).toBeLessThan(131)
    }),
  )
})

test('another seed is another night', () => {
  expect(badNight.build(1, 130)).not.toEqual(badNight.build(2, 130))
})
