import { randomBytes } from 'node:crypto'
import type { NewUserAsked, Scope, UserChange, UserRefused, UserRole, Users, UserView } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import { actorOf, announceChange, readAudited, toPage } from './api-scope.ts'
import { writeAudit } from './audit.ts'
import { type Database, errorCode, inTransaction, type Queryable } from './pool.ts'
import { addCellMember, addHomeMember, createUser, setPassword } from './users.ts'

const FOREIGN_KEY = '23503'
const UNIQUE = '23505'
/** Its other keys are those of the memberships. */
const LOGIN_KEY = 'app_user_login_key'

type Row = {
  user_id: string
  login: string
  name: string
  role: UserRole
  language: 'zh' | 'en'
  phone_sealed: Buffer | null
  on_call: boolean
  disabled: boolean
  homes: UserView['homes']
  cells: string[]
}
const SELECT = `select u.user_id, u.login, u.name, u.role, u.language, u.phone_sealed, u.on_call,
    u.disabled_at is not null as disabled,
    coalesce((select json_agg(json_build_object('homeId', m.home_id, 'contactId', m.contact_id) order by m.home_id)
       from home_member m where m.user_id = u.user_id), '[]') as homes,
    array(select m.grid_cell_id from cell_member m where m.user_id = u.user_id order by 1) as cells
  from app_user u`

export function createUsers(pool: Database, sealing: Sealing): Users {
  return {
    list: (scope, { limit, cursor }) =>
      readAudited(
        pool,
        scope,
        async (tx) => {
          const { rows } = await tx.query<Row>(
            `${SELECT} where $1::text is null or u.user_id > $1 order by u.user_id limit $2`,
            [cursor, limit + 1],
          )
          return toPage(
            rows,
            limit,
            (row) => toView(row, sealing),
            (row) => row.user_id,
          )
        },
        ({ items }) => ({ action: 'users.read', detail: { userIds: items.map((user) => user.userId) } }),
      ),
    create: (scope, user) => refusedBy(() => inTransaction(pool, (tx) => createOne(tx, sealing, scope, user))),
    change: (scope, userId, change) =>
      refusedBy(() => inTransaction(pool, (tx) => changeOne(tx, sealing, scope, userId, change))),
  }
}

/** The keys of the tables say it best; a look before would race. */
async function refusedBy(work: () => Promise<UserView | UserRefused>): Promise<UserView | UserRefused> {
  try {
    return await work()
  } catch (error) {
    if (errorCode(error) === FOREIGN_KEY) return 'unknown-membership'
    if (errorCode(error) === UNIQUE) return constraintOf(error) === LOGIN_KEY ? 'login-taken' : 'membership-twice'
    if (error instanceof LastAdmin) return 'last-admin'
    throw error
  }
}

function constraintOf(error: unknown): unknown {
  return error instanceof Error && 'constraint' in error ? error.constraint : undefined
}

async function createOne(tx: Queryable, sealing: Sealing, scope: Scope, user: NewUserAsked): Promise<UserView> {
  const userId = `u-${randomBytes(6).toString('hex')}`
  await createUser(tx, sealing, { userId, ...user })
  await addMemberships(tx, userId, user)
  await writeAudit(tx, { actor: actorOf(scope), action: 'user.created', subject: userId, detail: { role: user.role } })
  return readUser(tx, sealing, userId)
}

async function changeOne(
  tx: Queryable,
  sealing: Sealing,
  scope: Scope,
  userId: string,
  change: UserChange,
): Promise<UserView | UserRefused> {
  const { rowCount } = await tx.query(
    `update app_user set name = coalesce($2, name), role = coalesce($3, role), language = coalesce($4, language),
       on_call = coalesce($5, on_call),
       phone_sealed = case when $6 then $7 else phone_sealed end, phone_hash = case when $6 then $8 else phone_hash end,
       disabled_at = case when $9::boolean is null then disabled_at when $9 then coalesce(disabled_at, now()) end
     where user_id = $1`,
    [
      userId,
      change.name ?? null,
      change.role ?? null,
      change.language ?? null,
      change.onCall ?? null,
      change.phone !== undefined,
      typeof change.phone === 'string' ? sealing.seal(change.phone) : null,
      typeof change.phone === 'string' ? sealing.phoneHash(change.phone) : null,
      change.disabled ?? null,
    ],
  )
  if (rowCount === 0) return 'no-such-user'
  if (!(await isAdminLeft(tx))) throw new LastAdmin()
  if (change.password !== undefined) await setPassword(tx, userId, change.password)
  await replaceMemberships(tx, userId, change)
  // Whoever was signed in has the old role or the old password.
  if (change.disabled || change.password !== undefined || change.role !== undefined) {
    await tx.query('delete from app_session where user_id = $1', [userId])
  }
  // Streams that are open learn of it; the place is the platform's, for no home has changed.
  await announceChange(tx, { kind: 'home', homeId: '-', ref: `user:${userId}` })
  const fields = Object.keys(change).filter((field) => change[field as keyof UserChange] !== undefined)
  await writeAudit(tx, { actor: actorOf(scope), action: 'user.changed', subject: userId, detail: { fields } })
  return readUser(tx, sealing, userId)
}

/** Ends the transaction of a change that would lock everybody out. */
class LastAdmin extends Error {
  readonly code = 'last-admin'
}

async function isAdminLeft(tx: Queryable): Promise<boolean> {
  const { rowCount } = await tx.query(
    "select 1 from app_user where role = 'admin' and disabled_at is null for update limit 1",
  )
  return rowCount === 1
}

async function replaceMemberships(tx: Queryable, userId: string, change: UserChange): Promise<void> {
  const { homes, gridCells } = change
  if (homes) await tx.query('delete from home_member where user_id = $1', [userId])
  if (gridCells) await tx.query('delete from cell_member where user_id = $1', [userId])
  await addMemberships(tx, userId, { homes: homes ?? [], gridCells: gridCells ?? [] })
}

async function addMemberships(
  tx: Queryable,
  userId: string,
  { homes, gridCells }: Pick<UserView, 'homes' | 'gridCells'>,
): Promise<void> {
  for (const { homeId, contactId } of homes) await addHomeMember(tx, homeId, userId, contactId)
  for (const gridCellId of gridCells) await addCellMember(tx, gridCellId, userId)
}

async function readUser(tx: Queryable, sealing: Sealing, userId: string): Promise<UserView> {
  const { rows } = await tx.query<Row>(`${SELECT} where u.user_id = $1`, [userId])
  const row = rows[0]
  if (!row) throw new Error(`read user ${userId}: no row`)
  return toView(row, sealing)
}

function toView(row: Row, sealing: Sealing): UserView {
  return {
    userId: row.user_id,
    login: row.login,
    name: row.name,
    role: row.role,
    language: row.language,
    phone: row.phone_sealed === null ? null : sealing.open(row.phone_sealed),
    onCall: row.on_call,
    disabled: row.disabled,
    homes: row.homes,
    gridCells: row.cells,
  }
}
