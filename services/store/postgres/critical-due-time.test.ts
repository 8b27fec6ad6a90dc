import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

let nth = 0
function keep(severity: string, status: string, wakeAt: Date | null) {
  nth += 1
  return database.pool.query(
    `insert into incident (home_id, incident_id, scope, kind, subject, severity, condition, status, opened_at, wake_at,
                           folded_at, version, state)
     values ('home', $1, 'home', 'sos', $1, $2, 'active', $3, now(), $4, now(), 1, '{}')`,
    [`incident-${nth}`, severity, status, wakeAt],
  )
}

test('the database itself refuses a critical incident that nobody has and that waits for nothing (P3)', async () => {
  await expect(keep('critical', 'open', null)).rejects.toMatchObject({
    code: '23514',
    constraint: 'critical_has_a_due_time',
  })
  await keep('critical', 'open', new Date())
  await expect(database.pool.query('update incident set wake_at = null')).rejects.toMatchObject({ code: '23514' })
  await keep('critical', 'acknowledged', null)
  await keep('warning', 'open', null)
})
