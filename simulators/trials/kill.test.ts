import { expect, test } from 'vitest'
import { killTrial } from './kill.ts'
import { describeResult } from './trial.ts'

test('no acknowledged press is lost by kill -9 of the platform, its database, or both', async () => {
  const result = await killTrial.run({ seed: 1, size: 6, onProgress: () => undefined })
  process.stdout.write(`${describeResult(result)}\n`)
  expect(result.faults).toEqual([])
  expect(result.lost).toBe(0)
  expect(result.doubled).toBe(0)
  expect(result.acknowledged).toBeGreaterThan(20)
}, 120_000)
