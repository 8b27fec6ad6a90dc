import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { type Database, openPool } from '../store/postgres/pool.ts'

export type TestDatabase = { url: string; pool: Database; close(): Promise<void> }

/** A database of its own for one test file: a copy of the migrated template, dropped by `close`. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const adminUrl = inject('postgresUrl')
  const name = `test_${randomBytes(6).toString('hex')}`
  await withAdmin(adminUrl, (admin) => admin.query(`create database ${name} template anlin_template`))
  const address = new URL(adminUrl)
  address.pathname = `/${name}`
  const url = address.href
  const pool = await openPool(url, { max: 10, name: 'test' })
  return {
    url,
    pool,
    async close() {
      await pool.end()
      await withAdmin(adminUrl, (admin) => admin.query(`drop database ${name} with (force)`))
    },
  }
}

async function withAdmin(url: string, work: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  try {
    await work(admin)
  } finally {
    await admin.end()
  }
}
