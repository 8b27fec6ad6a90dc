import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSteadyClock } from './steady-clock.ts'

test('follows the database’s clock, and goes on where that goes back', () => {
  const clock = createSteadyClock(0)
  expect(clock.steady(1_000_000, 0)).toBe(1_000_000)
  expect(clock.steady(1_005_000, 5_000)).toBe(1_005_000)
  expect(clock.steady(5_000, 10_000)).toBe(1_010_000)
  expect(clock.steady(9_000, 14_000)).toBe(1_014_000)
  expect(clock.steady(2_000_000, 15_000)).toBe(2_000_000)
})

test('a start after the clock was set back goes on from the last fold', () => {
  const clock = createSteadyClock(1_000_000)
  expect(clock.steady(400_000, 0)).toBe(1_000_000)
  expect(clock.steady(401_000, 1_000)).toBe(1_001_000)
})

test('whatever the clock does, time never goes back and never stands still for long', () => {
  const tick = fc.record({ jumpMs: fc.integer({ min: -10_000_000, max: 10_000_000 }), passedMs: fc.nat(60_000) })
  fc.assert(
    fc.property(fc.array(tick, { minLength: 1, maxLength: 50 }), (ticks) => {
      const clock = createSteadyClock(0)
      let databaseMs = 1_800_000_000_000
      let monotonicMs = 0
      let before = clock.steady(databaseMs, monotonicMs)
      for (const { jumpMs, passedMs } of ticks) {
        databaseMs += passedMs + jumpMs
        monotonicMs += passedMs
        const now = clock.steady(databaseMs, monotonicMs)
        expect(now - before).toBeGreaterThanOrEqual(Math.max(0, passedMs - 1_000))
        before = now
      }
    }),
  )
})
