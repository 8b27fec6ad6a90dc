import { describe, expect, test } from 'vitest'
import { frozenRoleTrial } from './frozen-role.ts'
import { historyAwayFor } from './history-away.ts'
import { hasInfluxd } from './influxd.ts'
import { queueAwayTrial } from './queue-away.ts'
import { describeResult } from './trial.ts'

/** Short slices of what `npm run soak` runs at full size. */
test.each([
  { trial: frozenRoleTrial, size: 1, atLeast: 20 },
  { trial: queueAwayTrial, size: 2, atLeast: 20 },
])('$trial.name: $trial.holds', { timeout: 400_000 }, async ({ trial, size, atLeast }) => {
  const result = await trial.run({ seed: 1, size, onProgress: () => undefined })
  process.stdout.write(`${trial.name}: ${describeResult(result)}\n`)
  expect(result.faults).toEqual([])
  expect(result).toMatchObject({ lost: 0, doubled: 0 })
  expect(result.acknowledged).toBeGreaterThanOrEqual(atLeast)
})

describe.skipIf(!hasInfluxd)('the history store away', () => {
  test('InfluxDB killed for 5 s under the whole platform', { timeout: 300_000 }, async () => {
    const result = await historyAwayFor(5_000).run({ seed: 1, size: 1, onProgress: () => undefined })
    process.stdout.write(`history-away: ${describeResult(result)}\n`)
    expect(result).toMatchObject({ lost: 0, doubled: 0, faults: [] })
    expect(result.acknowledged).toBeGreaterThanOrEqual(1_000)
  })
})
