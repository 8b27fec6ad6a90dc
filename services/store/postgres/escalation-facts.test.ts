import { afterEach, beforeEach, expect, test } from 'vitest'
import { HOME, OTHER_HOME, PHONES, settleCommunity } from '../../notify/testing/community.ts'
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
  expect(known.sharingContacts).toEqual(['contact:c2'])
  expect(await incidents().findResponder(HOME, 'user:u1')).toMatchObject({ ref: 'contact:c1' })
})

const user = (userId: string, role: string, cell: string | null, more: { onCall?: boolean; phone?: boolean } = {}) =>
  database.pool.query(
    `with made as (
       insert into app_user (user_id, login, password_hash, role, name, on_call, phone_sealed, phone_hash)
       values ($1, $1, '', $2, $1, $3, $4, $4)
     ) insert into cell_member (grid_cell_id, user_id) select $5, $1 where $5::text is not null`,
    [userId, role, more.onCall ?? true, more.phone === false ? null : Buffer.from(userId), cell],
  )

/** A second cell of the same community, and a community beside it. */
async function settleNeighbours(): Promise<void> {
  await database.pool.query(
    "insert into grid_cell (grid_cell_id, community, name) values ('cell-2', 'Willow Lane', '2'), ('cell-9', 'Oak Hill', '9')",
  )
}

test('the supervisor is on duty in the cell, else of the cell, else of the community, else an administrator', async () => {
  await settleNeighbours()
  await user('root', 'admin', null)
  await user('elsewhere', 'coordinator', 'cell-9')
  await user('nowhere', 'coordinator', null)
  await user('beside', 'coordinator', 'cell-2')
  await user('off-duty', 'coordinator', 'cell-1', { onCall: false })
  const expectSupervisor = async (ref: string) => expect(refs((await facts()).supervisors)).toEqual([ref])
  const goes = (userId: string) =>
    database.pool.query('update app_user set disabled_at = now() where user_id = $1', [userId])
  await expectSupervisor('user:u2')
  await goes('u2')
  await expectSupervisor('user:off-duty')
  await goes('off-duty')
  await expectSupervisor('user:beside')
  await goes('beside')
  await expectSupervisor('user:root')
})

test('facts hold the people of the community and the codes on their phones, however large the platform is', async () => {
  await settleNeighbours()
  await user('worker-2', 'social-worker', 'cell-2')
  for (let n = 0; n < 20; n += 1) {
    await user(`far-${n}`, 'social-worker', 'cell-9')
    await user(`boss-${n}`, 'coordinator', 'cell-9')
    await user(`root-${n}`, 'admin', null)
  }
  await database.pool.query(
    `insert into phone_code (phone_hash, code, home_id, incident_id, given_at)
     select phone_hash, code, $1, 'i', platform_now() from app_user, generate_series(10, 99) code where phone_hash is not null`,
    [OTHER_HOME],
  )
  const known = await facts()
  expect(refs(known.communityOnCall)).toEqual(['user:u1', 'user:worker-2'])
  expect(Object.keys(known.usedCodes).sort()).toEqual(['user:u1', 'user:u2', 'user:worker-2'])
})

test('the codes of whoever else is to be told are known: who was asked to take over, and who has it', async () => {
  await settleNeighbours()
  await user('far', 'social-worker', 'cell-9', { onCall: false })
  await database.pool.query(
    `insert into phone_code (phone_hash, code, home_id, incident_id, given_at)
     select phone_hash, 37, 'h', 'i', platform_now() from app_user where user_id = 'far'`,
  )
  expect((await facts()).usedCodes['user:far']).toBeUndefined()
  const [by, to] = await Promise.all(['user:u1', 'user:far'].map((ref) => incidents().findResponder(HOME, ref)))
  if (!by || !to) throw new Error('nobody there')
  await incidents().addInput(HOME, 'i', { type: 'HandOver', by, to }, {})
  expect((await facts()).usedCodes['user:far']).toEqual([37])
})
