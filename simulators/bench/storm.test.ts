import { expect, test } from 'vitest'
import { SLICE } from './plan.ts'
import { runBench } from './run.ts'

const STORM_WITHIN_MS = 400_000

test('presses while every gateway is lost at once reach the provider, and each gateway opens an incident', {
  timeout: STORM_WITHIN_MS,
}, async () => {
  const [storm] = await runBench({ plan: SLICE, only: ['storm'], onProgress() {}, onFigure() {} })
  const { stormPresses: pressed, homes } = SLICE
  expect(storm?.measured).toMatchObject({ pressed, acknowledged: pressed, lost: 0, gateways: homes - pressed })
  expect(storm?.measured.openedMeanwhile).toBeGreaterThan(0)
})
