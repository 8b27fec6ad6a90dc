import { expect, test } from 'vitest'
import { createCommitRetries } from './commit-retries.ts'

const limits = { retryMs: 50, retryMaxMs: 1_000 }

test('a database that is not there yet is asked each time as soon, one that refuses ever more seldom', () => {
  const retries = createCommitRetries(limits)
  const pauses = (...codes: string[]) => codes.map((code) => retries.failed(code, 0).pauseMs)
  expect(pauses('57P02', 'ECONNRESET', 'ENOENT', 'ECONNREFUSED', '57P03', '57P01')).toEqual([50, 50, 50, 50, 50, 50])
  expect(pauses('53100', '53100', '57P03', '53100', '25006', '53100', '53100')).toEqual([
    50, 100, 50, 200, 400, 800, 1_000,
  ])
  retries.reset()
  expect(pauses('53100', '53100')).toEqual([50, 100])
})

test('that it fails is said once a second, and at once where the reason changes, however many batches it meets', () => {
  const retries = createCommitRetries(limits)
  const told = (code: string, nowMs: number) => retries.failed(code, nowMs).isTold
  expect([told('57P03', 0), told('57P03', 50), told('57P03', 999), told('57P03', 1_000)]).toEqual([
    true,
    false,
    false,
    true,
  ])
  retries.reset()
  expect([told('57P03', 1_500), told('53100', 1_501), told('53100', 1_502)]).toEqual([false, true, false])
})
