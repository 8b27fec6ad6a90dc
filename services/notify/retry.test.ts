import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { retryDelayMs } from './retry.ts'

const MIDDLE = 0.5
const critical = { priority: 0, ageMs: 0 }
const ordinary = { priority: 1, ageMs: 0 }

describe('how soon a message is tried again', () => {
  test('a critical one within a second, then slower, at last every 15 s', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 40].map((attempts) => retryDelayMs({ ...critical, attempts }, MIDDLE))
    expect(delays).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000])
  })

  test('a critical one is given up after ten minutes, an ordinary one after thirty', () => {
    expect(retryDelayMs({ priority: 0, attempts: 40, ageMs: 599_999 }, MIDDLE)).not.toBeNull()
    expect(retryDelayMs({ priority: 0, attempts: 40, ageMs: 600_000 }, MIDDLE)).toBeNull()
    expect(retryDelayMs({ priority: 1, attempts: 9, ageMs: 1_799_999 }, MIDDLE)).not.toBeNull()
    expect(retryDelayMs({ priority: 1, attempts: 9, ageMs: 1_800_000 }, MIDDLE)).toBeNull()
  })

  test('never more than a fifth beside the table', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempts, random) => {
          const middle = retryDelayMs({ ...ordinary, attempts }, MIDDLE) ?? 0
          const delay = retryDelayMs({ ...ordinary, attempts }, random) ?? 0
          expect(Math.abs(delay - middle)).toBeLessThanOrEqual(middle * 0.2 + 1)
        },
      ),
    )
  })
})
