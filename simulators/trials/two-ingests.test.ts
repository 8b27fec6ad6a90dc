import { expect, test } from 'vitest'
import { describeResult } from './trial.ts'
import { twoIngestsTrial } from './two-ingests.ts'

test(twoIngestsTrial.holds, { timeout: 300_000 }, async () => {
  const result = await twoIngestsTrial.run({ seed: 1, size: 1, onProgress: () => undefined })
  process.stdout.write(`${twoIngestsTrial.name}: ${describeResult(result)}\n`)
  expect(result.faults).toEqual([])
  expect(result).toMatchObject({ attempted: 1, acknowledged: 1, lost: 0 })
})
