import { expect, test } from 'vitest'
import { greatestSustained } from './sustained.ts'

const MAXIMUM = 1_000

async function search(keepsUpTo: (rate: number, nth: number) => number) {
  const asked: number[] = []
  const best = await greatestSustained({ maximum: MAXIMUM, steps: 5 }, async (rate) => {
    asked.push(rate)
    const isKeptUp = rate <= keepsUpTo(rate, asked.length)
    return { perSecond: isKeptUp ? rate : rate * 0.9, lagSeconds: 0.2, historySeconds: 0 }
  })
  return { best, asked }
}

test('the greatest rate is found to a tenth, and what was not kept up with is tried twice', async () => {
  const { best, asked } = await search(() => 300)
  expect(best.perSecond).toBeGreaterThan(270)
  expect(best.perSecond).toBeLessThanOrEqual(300)
  expect(asked[0]).toBe(MAXIMUM * 0.05)
  for (const rate of asked.slice(1)) expect(asked.filter((other) => other === rate)).toHaveLength(rate > 300 ? 2 : 1)
})

test('one bad moment is not the rate, and a lag of over a second is not kept up with', async () => {
  const { best } = await search((_, nth) => (nth === 2 ? 0 : 300))
  expect(best.perSecond).toBeGreaterThan(270)
  const lagging = async (rate: number) => ({ perSecond: rate, lagSeconds: 1.1, historySeconds: 0 })
  expect((await greatestSustained({ maximum: MAXIMUM, steps: 5 }, lagging)).perSecond).toBe(0)
})
