import { afterAll, beforeAll, expect, test } from 'vitest'
import { SHARDS } from '../../core/shard.ts'
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'
import { createSealing } from '../sealing.ts'
import { emptyCommitOf, LOST_FOLD, planAlarms } from './alarm-connections.ts'
import { createFoldStore } from './fold-store.ts'
import { createIncidents } from './incidents.ts'
import { type Database, openPool } from './pool.ts'

const CONNECTIONS = 3

let database: TestDatabase
let alarms: Database
beforeAll(async () => {
  database = await createTestDatabase()
  await createFoldStore(database.pool).prepareCursors(SHARDS)
  alarms = await openPool(database.url, { max: CONNECTIONS, name: 'alarms', plansOnce: true })
})
afterAll(async () => {
  await alarms.end()
  await database.close()
})

type Planned = { name: string; generic_plans: number; custom_plans: number }

test('each connection has planned what an alarm waits for, once, and nothing is written', async () => {
  const cursors = () =>
    database.pool.query("select shard, version, xid, id from log_cursor where reader = 'rules' order by shard")
  const { rows: before } = await cursors()
  expect(before.length).toBeGreaterThan(0)
  const sealing = createSealing('a key for tests, long enough for it')
  await planAlarms(alarms, sealing)
  expect([alarms.totalCount, alarms.idleCount]).toEqual([CONNECTIONS, CONNECTIONS])
  expect((await cursors()).rows).toEqual(before)
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => alarms.connect()))
  const planned = await Promise.all(
    clients.map((client) =>
      client.query<Planned>(
        "select name, generic_plans, custom_plans from pg_prepared_statements where name ~ 'fold|incident' order by name",
      ),
    ),
  )
  for (const client of clients) client.release()
  for (const { rows } of planned) {
    expect(rows).toEqual([
      { name: 'fold-and-incident-commit', generic_plans: 1, custom_plans: 0 },
      { name: 'incident-read-home', generic_plans: 1, custom_plans: 0 },
    ])
  }
  for (const table of ['escalation_pass', 'escalation_facts', 'incident_input', 'home_state']) {
    expect((await database.pool.query(`select 1 from ${table}`)).rowCount).toBe(0)
  }
})

test('one that cannot be had is said, and the others are given back', async () => {
  const own = await openPool(database.url, { max: CONNECTIONS, name: 'alarms' })
  const connect = own.connect.bind(own) as unknown as () => Promise<unknown>
  let asked = 0
  own.connect = (async () => {
    if (asked++ === 1) throw new Error('no room')
    return connect()
  }) as unknown as typeof own.connect
  await expect(planAlarms(own, createSealing('a key for tests, long enough for it'))).rejects.toThrow('no room')
  expect(own.idleCount).toBe(CONNECTIONS - 1)
  await own.end()
})

test('an alarm waits for none of the connections that everything else is done over', async () => {
  const others = await openPool(database.url, { max: 1, name: 'platform' })
  const busy = await others.connect()
  const incidents = createIncidents(others, createSealing('a key for tests, long enough for it'), alarms)
  const view = await incidents.readHome('home-1', 1)
  expect(view.drawnIds).toHaveLength(1)
  expect(await incidents.commitWithFold(LOST_FOLD, emptyCommitOf(view), null)).toBeNull()
  expect(others.waitingCount).toBe(0)
  void incidents.readHome('home-1').catch(() => undefined)
  await expect.poll(() => others.waitingCount).toBe(1)
  busy.release()
  await others.end()
})
