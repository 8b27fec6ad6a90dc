import { expect, test } from 'vitest'
import { HandedAlarms } from './handed-alarms.ts'

test('one hint within a moment belongs to what was handed over, and no other', () => {
  const handed = new HandedAlarms()
  handed.add('home-a', 1_000)
  expect(handed.take('home-b', 1_000)).toBe(false)
  expect(handed.take('home-a', 1_250)).toBe(true)
  expect(handed.take('home-a', 1_250)).toBe(false)
  handed.add('home-a', 2_000)
  expect(handed.take('home-a', 2_251)).toBe(false)
  handed.add('home-a', 3_000)
  handed.clear()
  expect(handed.take('home-a', 3_000)).toBe(false)
})

test('what waits for its hint is bounded, and what waited too long makes room', () => {
  const handed = new HandedAlarms()
  for (let nth = 0; nth <= 10_000; nth++) handed.add(`home-${nth}`, 0)
  expect(handed.take('home-10000', 0)).toBe(false)
  handed.add('home-a', 300)
  expect(handed.take('home-a', 300)).toBe(true)
})
