import { expect, test } from 'vitest'
import { ordinaryBeat } from './rhythm.ts'
import { seededRandom } from './seeded.ts'

const MINUTE_MS = 60_000

test('by day somebody is seen in the living room every few minutes; with everybody in bed the sensor only says that it is there', () => {
  const home = { batteryPercent: 80, random: seededRandom(7) }
  for (let beats = 0; beats < 50; beats += 1) {
    const day = ordinaryBeat('motion-sensor', { ...home, occupied: false })
    expect(day).toMatchObject({ event: { kind: 'motion', state: 'detected' }, status: null })
    expect(day.nextMs).toBeGreaterThanOrEqual(2 * MINUTE_MS)
    expect(day.nextMs).toBeLessThanOrEqual(9 * MINUTE_MS)
  }
  const night = ordinaryBeat('motion-sensor', { ...home, occupied: true })
  expect(night).toMatchObject({ event: null, status: { state: 'online' }, nextMs: 30 * MINUTE_MS })
})
