import { expect, test } from 'vitest'
import { SHARD_COUNT, shardOf } from './shard.ts'

test('a home keeps its shard for ever', () => {
  expect(['home-001', 'home-002', '小区-3', ''].map(shardOf)).toEqual([48, 41, 0, 5])
})

test('homes spread evenly', () => {
  const counts = new Array<number>(SHARD_COUNT).fill(0)
  for (let home = 0; home < 6_400; home++) {
    const shard = shardOf(`home-${home}`)
    counts[shard] = (counts[shard] ?? 0) + 1
  }
  expect(Math.min(...counts)).toBeGreaterThan(50)
  expect(Math.max(...counts)).toBeLessThan(200)
})
