import { expect, test } from 'vitest'
import { Hush } from './hush.ts'

test('it lasts a moment from the alarm on, and is over however many alarms there are', () => {
  const hush = new Hush()
  expect(hush.leftMs(0)).toBe(0)
  hush.begin(1_000)
  expect(hush.leftMs(1_000)).toBe(50)
  expect(hush.leftMs(1_040)).toBe(10)
  let hushedMs = 0
  for (let nowMs = 1_000; nowMs < 11_000; nowMs += 1) {
    hush.begin(nowMs)
    if (hush.leftMs(nowMs) > 0) hushedMs += 1
  }
  expect(hushedMs).toBe(2_500)
})
