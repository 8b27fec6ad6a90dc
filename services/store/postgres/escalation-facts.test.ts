import { afterEach, beforeEach, expect, test } from 'vitest'
import { HOME, PHONES, settleCommunity } from '../../notify/testing/community.ts'
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'
import { createSealing } from '../sealing.ts'
import { createIncidents } from './incidents.ts'

const sealing = createSealing('a key for tests, long enough for it')
let database: TestDatabase
beforeEach(async () => {
  database = await createTestDatabase()
  await settleCommunity(database.pool, sealing)
})
afterEach(() => database.close())

const incidents = () => createIncidents(database.pool, sealing)
const facts = async () => (await incidents().readHome(HOME)).facts
const refs = (people: readonly { ref: string }[]) => people.map(({ ref }) => ref)

test('a name that cannot be opened keeps nobody from being told', async () => {
  await database.pool.query(`update contact set name_sealed = '\\x0900' where contact_id = 'c1'`)
  const { contacts } = await facts()
  expect(contacts).toMatchObject([
    { ref: 'contact:c1', name: '', hasPhone: true },
    { ref: 'contact:c2', name: 'Chen Bo' },
  ])
  expect(await incidents().findResponder(HOME, 'contact:c1')).toMatchObject({ name: '' })
})

test('a coordinator on duty without a phone does not stand before one who has one, nor before the administrators', async () => {
  const { pool } = database
  await pool.query("update app_user set phone_sealed = null, phone_hash = null where user_id = 'u2'")
  expect(refs((await facts()).supervisors)).toEqual(['user:u2'])
  await pool.query(
    `insert into app_user (user_id, login, password_hash, role, name, phone_sealed, phone_hash)
     values ('u3', 'root', '', 'admin', 'Gao Wei', '', '')`,
  )
  expect(refs((await facts()).supervisors)).toEqual(['user:u3'])
})

test('who is contact and worker with one phone is one person, and a number entered twice is no second contact', async () => {
  const { pool } = database
  const hash = sealing.phoneHash(PHONES.daughter)
  await pool.query("update app_user set phone_hash = $1 where user_id = 'u1'", [hash])
  await pool.query("update contact set phone_hash = $1 where home_id = $2 and contact_id = 'c2'", [hash, HOME])
  const known = await facts()
  expect([refs(known.contacts), refs(known.onCall), refs(known.communityOnCall)]).toEqual([
    ['contact:c1'],
    ['contact:c1'],
    ['contact:c1'],
  ])
  expect(await incidents().findResponder(HOME, 'user:u1')).toMatchObject({ ref: 'contact:c1' })
})
