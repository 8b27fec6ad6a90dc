import { expect, test } from 'vitest'
import { startOpenMarks } from './open-marks.ts'

const silent = { info() {}, warn() {}, error() {}, debug() {} }

test('the first mark may tell of a downtime, and the last ends with the entrance', async () => {
  const asked: boolean[] = []
  const marks = startOpenMarks({
    async mark(mayHaveBeenClosed) {
      asked.push(mayHaveBeenClosed)
      return 0
    },
    clock: { now: Date.now, monotonicMs: () => performance.now() },
    log: silent,
  })
  await expect.poll(() => asked).toEqual([true])
  await marks.close()
  expect(asked).toEqual([true])
})
