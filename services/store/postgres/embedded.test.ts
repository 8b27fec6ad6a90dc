import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, expect, test, vi } from 'vitest'
import { createTestDatabase } from '../../testing/postgres.ts'
import { type EmbeddedDatabase, startEmbedded } from './embedded.ts'
import { recoverySync } from './embedded-sync.ts'
import { migrate } from './migrate.ts'

const silent = { info() {}, warn() {}, error() {}, debug() {} }
const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'anlin-embedded-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function settingOf({ url }: EmbeddedDatabase, name: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query('select current_setting($1) as setting', [name])).rows[0].setting
  } finally {
    await client.end()
  }
}

async function count(database: EmbeddedDatabase): Promise<number> {
  const client = new pg.Client({ connectionString: database.url })
  // The postmaster may be killed under it.
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query('select count(*)::int as n from schema_migration')
    return rows[0].n
  } finally {
    await client.end()
  }
}

test('a killed postmaster is back within moments, with its data; a second platform on the folder is refused', async () => {
  const folder = temporaryFolder()
  const database = await startEmbedded(folder, silent)
  cleanups.push(() => database.stop())
  const { applied } = await migrate(database.url)
  expect(applied.length).toBeGreaterThan(0)
  expect(await settingOf(database, 'recovery_init_sync_method')).toBe(
    recoverySync(folder).recovery_init_sync_method ?? 'fsync',
  )

  await expect(startEmbedded(folder, silent)).rejects.toThrow(`another platform is running on ${folder}`)

  const before = database.pid()
  process.kill(before, 'SIGKILL')
  await vi.waitFor(() => expect(database.pid()).not.toBe(before), { timeout: 30_000 })
  expect(await count(database)).toBe(applied.length)
  expect((await migrate(database.url)).applied).toEqual([])
})

test('what the database has said of itself is cut before it fills the disk', async () => {
  const folder = temporaryFolder()
  const file = join(folder, 'postgres.log')
  appendFileSync(file, Buffer.alloc(9 * 2 ** 20, 'a line\n'))
  const database = await startEmbedded(folder, silent)
  cleanups.push(() => database.stop())
  await expect.poll(() => statSync(file).size).toBeLessThan(2 ** 20)
  expect(statSync(`${file}.old`).size).toBeGreaterThan(2 ** 20)
})

test('a database that could lose what it confirmed is refused, whoever set it so', async () => {
  const database = await createTestDatabase()
  cleanups.push(() => database.close())
  const name = new URL(database.url).pathname.slice(1)
  await database.pool.query(`alter database ${name} set synchronous_commit = off`)
  await expect(migrate(database.url)).rejects.toThrow('synchronous_commit=off')
})
