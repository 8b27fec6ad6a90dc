import { expect, test } from 'vitest'
import { startOpenMarks } from './open-marks.ts'

test('the first mark is made before anybody is let in, one that fails is made good, and none follows the end', async () => {
  let marks = 0
  const told: number[] = []
  const info = ({ gapMs }: Record<string, unknown>) => void told.push(Number(gapMs))
  const open = await startOpenMarks({
    clock: { now: Date.now, monotonicMs: () => performance.now() },
    async mark() {
      marks += 1
      if (marks === 2) throw new Error('the database is away')
      return marks === 3 ? 60_000 : 0
    },
    log: { info, warn() {}, error() {}, debug() {} },
    everyMs: 5,
  })
  expect(marks).toBe(1)
  await expect.poll(() => told).toEqual([60_000])
  await open.close()
  const ended = marks
  await new Promise((done) => setTimeout(done, 30))
  expect(marks).toBe(ended)
})

test('what comes after a time without any mark waits for one, and nothing else does', async () => {
  let marks = 0
  let nowMs = 0
  let failing = false
  const open = await startOpenMarks({
    async mark() {
      marks += 1
      if (failing) throw new Error('the database is away')
      return 0
    },
    clock: { now: Date.now, monotonicMs: () => nowMs },
    log: { info() {}, warn() {}, error() {}, debug() {} },
    everyMs: 60_000,
  })
  nowMs = 9_000
  await open.freshen()
  expect(marks).toBe(1)
  nowMs = 20_000
  await open.freshen()
  await open.freshen()
  expect(marks).toBe(2)

  // One that fails is not asked for again and again by each message.
  failing = true
  nowMs = 40_000
  await open.freshen()
  nowMs = 40_500
  await open.freshen()
  expect(marks).toBe(3)
  nowMs = 41_500
  await open.freshen()
  expect(marks).toBe(4)
  await open.close()
})
