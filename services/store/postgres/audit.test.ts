import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'
import { writeAudit } from './audit.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

/** P7, and whoever reads it may be the one whom it is about. */
test('what the audit log says stays: nobody changes, takes out or empties it, not even its owner', async () => {
  const { pool } = database
  await writeAudit(pool, { actor: 'user:admin', action: 'home.read', homeId: 'home-001', subject: 'home-001' })
  const read = async () => (await pool.query('select * from audit order by audit_id')).rows
  const written = await read()
  expect(written).toMatchObject([{ actor: 'user:admin', action: 'home.read' }])
  for (const statement of [
    "update audit set actor = 'user:somebody-else'",
    'delete from audit',
    'truncate audit',
    // Who would see whether there is something to change has tried all the same.
    'delete from audit where audit_id < 0',
    "insert into audit (audit_id, actor, action) overriding system value values (1, 'platform', 'x') on conflict (audit_id) do update set actor = excluded.actor",
  ]) {
    await expect(pool.query(statement), statement).rejects.toMatchObject({
      code: '23001',
      message: 'audit is append-only',
    })
  }
  expect(await read()).toEqual(written)
  await writeAudit(pool, { actor: 'user:admin', action: 'home.changed', homeId: 'home-001' })
  expect(await read()).toHaveLength(2)
})
