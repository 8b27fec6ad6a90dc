import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cutLog } from './embedded-log.ts'

let folder: string
let file: string
let database: number
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'anlin-log-'))
  file = join(folder, 'postgres.log')
  // As the postmaster has it, over all the lives of the platform.
  database = openSync(file, 'a', 0o600)
})
afterEach(() => {
  closeSync(database)
  rmSync(folder, { recursive: true })
})

test('a log that is too long is laid aside, and whoever has it open goes on at its beginning', async () => {
  writeSync(database, 'one\ntwo\n')
  expect(await cutLog(file, 8)).toBe(false)
  expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n')
  writeSync(database, 'three\n')
  expect(await cutLog(file, 8)).toBe(true)
  writeSync(database, 'four\n')
  expect(readFileSync(file, 'utf8')).toBe('four\n')
  expect(readFileSync(`${file}.old`, 'utf8')).toBe('one\ntwo\nthree\n')
  expect(statSync(`${file}.old`).mode & 0o777).toBe(0o600)
})

test('what was laid aside before makes room', async () => {
  for (const line of ['one\n', 'two\n']) {
    appendFileSync(file, line)
    await cutLog(file, 2)
  }
  expect(readFileSync(`${file}.old`, 'utf8')).toBe('two\n')
})

test('one that grew beyond all bounds before it was ever cut is not copied', async () => {
  appendFileSync(file, 'a line of years\n')
  expect(await cutLog(file, 4)).toBe(true)
  expect(statSync(file).size).toBe(0)
  expect(existsSync(`${file}.old`)).toBe(false)
})
