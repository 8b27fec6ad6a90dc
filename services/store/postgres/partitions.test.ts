import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { beginAndHold, createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'
import { ensureHistoryPartitions } from './history-partitions.ts'

const DOUBLED = 'autovacuum_analyze_scale_factor=1'
const LOG = ['autovacuum_vacuum_insert_threshold=-1', DOUBLED]
const READING = [
  'autovacuum_freeze_min_age=0',
  'autovacuum_vacuum_insert_threshold=1000000',
  'autovacuum_vacuum_insert_scale_factor=0',
  DOUBLED,
]
const MIGRATIONS = ['0010-vacuum-of-partitions.sql', '0012-doubling-of-partitions.sql']

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  await ensureHistoryPartitions(database.pool, new Set(), [Date.now()])
})
afterAll(() => database.close())

async function optionsOf(parent: string): Promise<unknown[]> {
  const { rows } = await database.pool.query<{ options: string[] | null }>(
    `select c.reloptions as options from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = $1::regclass order by c.relname`,
    [parent],
  )
  return rows.map(({ options }) => options)
}

test('no partition is vacuumed twice for rows that were only added, nor looked at for each tenth of them', async () => {
  expect(await optionsOf('observation_log')).toEqual([LOG, LOG, LOG, LOG, LOG])
  expect(await optionsOf('reading')).toEqual([READING, READING])
})

test('partitions that are there already are told so as well, but for one that cannot wait', async () => {
  const { pool } = database
  const { rows } = await pool.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits
     where inhparent in ('observation_log'::regclass, 'reading'::regclass) order by 1`,
  )
  for (const { name } of rows) {
    await pool.query(
      `alter table ${name} reset (autovacuum_vacuum_insert_threshold, autovacuum_freeze_min_age,
         autovacuum_vacuum_insert_scale_factor, autovacuum_analyze_scale_factor)`,
    )
  }
  const holder = await pool.connect()
  try {
    // As a vacuum does.
    await beginAndHold(holder, `lock table ${rows[0]?.name} in share update exclusive mode`)
    for (const name of MIGRATIONS) {
      await pool.query(await readFile(new URL(`migrations/${name}`, import.meta.url), 'utf8'))
    }
  } finally {
    await holder.query('rollback')
    holder.release()
  }
  expect(await optionsOf('observation_log')).toEqual([null, LOG, LOG, LOG, LOG])
  expect(await optionsOf('reading')).toEqual([READING, READING])
})
