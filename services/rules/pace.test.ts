import { expect, test } from 'vitest'
import { Hush } from '../core/hush.ts'
import { createPace, MAX_ROWS_PER_PASS } from './pace.ts'

const NONE: ReadonlySet<number> = new Set()

test('a quiet shard is read at once, one with many rows lets them gather, and a hurry does not wait', () => {
  const pace = createPace(new Hush())
  expect(pace.readyInMs(0, NONE)).toBeNull()
  pace.mark(1)
  expect(pace.take(0, NONE).shards).toEqual([1])
  pace.found(1, { rows: 1, homes: 1, isFull: false }, 0)
  pace.mark(1)
  expect(pace.readyInMs(0, NONE)).toBe(0)
  pace.take(0, NONE)

  pace.found(1, { rows: 21, homes: 21, isFull: false }, 0)
  pace.mark(1)
  expect(pace.isQuiet(1, 199)).toBe(false)
  expect(pace.readyInMs(150, NONE)).toBe(50)
  expect(pace.take(199, NONE).shards).toEqual([])
  pace.hurry(1)
  expect(pace.take(199, NONE).shards).toEqual([1])

  pace.found(1, { rows: 10_000, homes: 31, isFull: false }, 0)
  pace.mark(1)
  expect(pace.readyInMs(0, NONE)).toBe(300)
  pace.clear()
  expect(pace.readyInMs(1_000, NONE)).toBeNull()
})

test('where homes have few rows each they gather for longer, so that a state is written once for several', () => {
  const pace = createPace(new Hush())
  const readyAfter = (rows: number) => {
    pace.mark(1)
    pace.found(1, { rows, homes: 25, isFull: false }, 0)
    return pace.readyInMs(0, NONE)
  }
  expect(readyAfter(100)).toBe(300)
  expect(readyAfter(99)).toBe(600)
  // The same homes as busy as before: in twice the time they have twice as many.
  expect(readyAfter(199)).toBe(600)
  expect(readyAfter(200)).toBe(300)
})

test('a pass is filled from few shards where many rows wait, the longest waiting first, and never with none', () => {
  const pace = createPace(new Hush())
  for (const shard of [1, 2, 3]) pace.mark(shard)
  expect(pace.take(0, NONE)).toMatchObject({ shards: [1, 2, 3], limitPerShard: Math.ceil(MAX_ROWS_PER_PASS / 3) })
  // Full shards are ready again, and expected to be as long as ever.
  for (const shard of [1, 2, 3]) pace.found(shard, { rows: MAX_ROWS_PER_PASS, homes: 1, isFull: true }, 0)
  expect(pace.take(0, NONE)).toMatchObject({ shards: [1], limitPerShard: MAX_ROWS_PER_PASS })
  expect(pace.take(0, NONE).shards).toEqual([2])
  pace.mark(1)
  expect(pace.take(0, NONE).shards).toEqual([3])
  expect(pace.take(0, NONE).shards).toEqual([1])
})

test('a shard that somebody has in hand is not ready, and is not forgotten', () => {
  const pace = createPace(new Hush())
  for (const shard of [1, 2]) pace.mark(shard)
  expect(pace.take(0, new Set([1])).shards).toEqual([2])
  expect(pace.readyInMs(0, new Set([1]))).toBeNull()
  expect(pace.readyInMs(0, NONE)).toBe(0)
  expect(pace.take(0, NONE).shards).toEqual([1])
})

test('after a pass of many rows all quiet shards wait as long, an alarm does not, and after a small pass nobody does', () => {
  const pace = createPace(new Hush())
  pace.passed(13, 0)
  pace.mark(1)
  expect(pace.readyInMs(0, NONE)).toBe(12)
  expect(pace.isQuiet(1, 0)).toBe(true)
  pace.hurry(2)
  expect(pace.take(10, NONE).shards).toEqual([2])
  expect(pace.take(12, NONE).shards).toEqual([1])
  pace.passed(10_000, 0)
  pace.mark(1)
  expect(pace.readyInMs(0, NONE)).toBe(20)
  pace.passed(1, 0)
  expect(pace.readyInMs(0, NONE)).toBe(0)
})

test('while an alarm is on its way only what is hurried is ready, and whoever does not read it can hurry it again', () => {
  const hush = new Hush()
  const pace = createPace(hush)
  for (const shard of [1, 2]) pace.mark(shard)
  pace.found(2, { rows: MAX_ROWS_PER_PASS, homes: 1, isFull: true }, 0)
  hush.begin(0)
  pace.hurry(3)
  expect(pace.readyInMs(0, NONE)).toBe(0)
  const taken = pace.take(0, NONE)
  expect([taken.shards, [...taken.hurried]]).toEqual([[3], [3]])
  expect(pace.readyInMs(20, NONE)).toBe(30)
  expect(pace.take(20, NONE).shards).toEqual([])
  const after = pace.take(50, NONE)
  expect([after.shards[0], [...after.hurried]]).toEqual([1, []])
})
