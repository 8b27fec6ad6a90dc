import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'
import { createSealing } from '../sealing.ts'
import { planAlarms } from './alarm-connections.ts'
import { type Database, openPool } from './pool.ts'

const CONNECTIONS = 3

let database: TestDatabase
let alarms: Database
beforeAll(async () => {
  database = await createTestDatabase()
  alarms = await openPool(database.url, { max: CONNECTIONS, name: 'alarms', plansOnce: true })
})
afterAll(async () => {
  await alarms.end()
  await database.close()
})

type Planned = { name: string; generic_plans: number; custom_plans: number }

test('each connection has planned what an alarm waits for, once, and nothing is written', async () => {
  const sealing = createSealing('ab'.repeat(32))
  await planAlarms(alarms, sealing)
  expect([alarms.totalCount, alarms.idleCount]).toEqual([CONNECTIONS, CONNECTIONS])
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => alarms.connect()))
  for (const client of clients) {
    const { rows } = await client.query<Planned>(
      "select name, generic_plans, custom_plans from pg_prepared_statements where name ~ 'fold|incident' order by name",
    )
    expect(rows).toEqual([
      { name: 'fold-and-incident-commit', generic_plans: 1, custom_plans: 0 },
      { name: 'incident-read-home', generic_plans: 1, custom_plans: 0 },
    ])
    client.release()
  }
  for (const table of ['escalation_pass', 'escalation_facts', 'incident_input', 'home_state']) {
    expect((await database.pool.query(`select 1 from ${table}`)).rowCount).toBe(0)
  }
})
