import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig } from './config.ts'
import { openFoundation } from './foundation.ts'
import { createLifecycle } from './lifecycle.ts'
import { createTestDatabase } from './testing/postgres.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

const log = { info() {}, warn() {}, error() {}, debug() {} }

/** Opens it and ends it. @returns what was there of the embedded database at each call of `meanwhile`, then that it was open */
async function open(folder: string, settings: Record<string, string>, alone: boolean): Promise<string[]> {
  const steps: string[] = []
  const lifecycle = createLifecycle(log)
  const meanwhile = () => {
    const isMade = existsSync(join(folder, 'postgres', 'PG_VERSION'))
    const listens = existsSync(join(folder, 'socket', '.s.PGSQL.5432'))
    steps.push(listens ? 'listens' : isMade ? 'made' : 'not made')
  }
  try {
    await openFoundation(readConfig({ ANLIN_DATA: folder, ...settings }, folder), { log, lifecycle, alone, meanwhile })
    steps.push('open')
  } finally {
    await lifecycle.end('the test')
  }
  return steps
}

test('whoever has other things to do is told when the database only has to be waited for', async () => {
  const folder = temporaryFolder('foundation')
  expect(await open(folder, {}, true), 'while it is made').toEqual(['not made', 'open'])
  expect(await open(folder, {}, true), 'from its launch on').toEqual(['made', 'open'])
  const elsewhere = await createTestDatabase()
  expect(await open(folder, { DATABASE_URL: elsewhere.url }, false), 'elsewhere').toEqual(['made', 'open'])
  await elsewhere.close()
})
