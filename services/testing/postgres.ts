import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { expect, inject } from 'vitest'
import { type Database, openPool, type Queryable } from '../store/postgres/pool.ts'

/** A test that failed may still hold a client, which its pool would wait for until the hook's limit. */
const END_LIMIT_MS = 5_000

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
      const ended = await Promise.race([pool.end().then(() => true), sleep(END_LIMIT_MS, false, { ref: false })])
      await withAdmin(adminUrl, (admin) => admin.query(`drop database ${name} with (force)`))
      if (!ended) throw new Error('a connection of the pool was never given back')
    },
  }
}

/**
 * Begins a transaction with an id that may stand idle for as long as the test wants: those of our pools may not.
 * @param statement what it begins with in place of taking its id
 */
export async function beginAndHold(client: Queryable, statement = 'select pg_current_xact_id()'): Promise<void> {
  const unlimited = 'set local idle_in_transaction_session_timeout = 0; set local transaction_timeout = 0'
  await client.query(`begin; ${unlimited}; ${statement}`)
}

/** Other tests share the server: until their older transactions end, these rows are not yet known to every reader. */
export async function untilKnownToAll(pool: Database, table: 'change' | 'observation_log'): Promise<void> {
  const hidden = async () => {
    const text = `select 1 from ${table} where xid >= pg_snapshot_xmin(pg_current_snapshot())`
    return (await pool.query(text)).rowCount
  }
  await expect.poll(hidden, { timeout: 20_000, interval: 5 }).toBe(0)
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
