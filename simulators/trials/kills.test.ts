import { expect, test } from 'vitest'
import { drainTrial } from './drain.ts'
import { killTrial } from './kill.ts'
import { powerCutTrial } from './power-cut.ts'
import { describeResult } from './trial.ts'

/** Short slices of what `npm run soak` runs at full size. */
test.each([
  { trial: killTrial, size: 30, atLeast: 100 },
  { trial: powerCutTrial, size: 1, atLeast: 10 },
  { trial: drainTrial, size: 2, atLeast: 2_000 },
])('$trial.name: $trial.holds', { timeout: 900_000 }, async ({ trial, size, atLeast }) => {
  const result = await trial.run({ seed: 1, size, onProgress: () => undefined })
  process.stdout.write(`${trial.name}: ${describeResult(result)}\n`)
  expect(result.faults).toEqual([])
  expect(result).toMatchObject({ lost: 0, doubled: 0 })
  expect(result.acknowledged).toBeGreaterThanOrEqual(atLeast)
})
