import { hash, verify } from '@node-rs/argon2'
import type { UserRole } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import type { Language } from './homes.ts'
import type { Queryable } from './pool.ts'

export type { UserRole }

export type NewUser = {
  userId: string
  login: string
  password: string
  role: UserRole
  name: string
  /** E.164; null for people who are never phoned. */
  phone: string | null
  language: Language
  onCall: boolean
}

export async function createUser(tx: Queryable, sealing: Sealing, user: NewUser): Promise<void> {
  await tx.query(
    `insert into app_user (user_id, login, password_hash, role, name, phone_sealed, phone_hash, language, on_call)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      user.userId,
      user.login,
      await hashPassword(user.password),
      user.role,
      user.name,
      user.phone === null ? null : sealing.seal(user.phone),
      user.phone === null ? null : sealing.phoneHash(user.phone),
      user.language,
      user.onCall,
    ],
  )
}

export async function setPassword(tx: Queryable, userId: string, password: string): Promise<void> {
  await tx.query('update app_user set password_hash = $2 where user_id = $1', [userId, await hashPassword(password)])
}

export async function addCellMember(tx: Queryable, gridCellId: string, userId: string): Promise<void> {
  await tx.query('insert into cell_member (grid_cell_id, user_id) values ($1, $2)', [gridCellId, userId])
}

/** @param contactId the contact of this home that the user is, where she is also phoned; null otherwise */
export async function addHomeMember(
  tx: Queryable,
  homeId: string,
  userId: string,
  contactId: string | null,
): Promise<void> {
  await tx.query('insert into home_member (home_id, user_id, contact_id) values ($1, $2, $3)', [
    homeId,
    userId,
    contactId,
  ])
}

/** Argon2id with the library's defaults (19 MiB, 2 passes: OWASP's first choice). For people's passwords only. */
export function hashPassword(password: string): Promise<string> {
  return hash(password)
}

export function isPassword(passwordHash: string, password: string): Promise<boolean> {
  return verify(passwordHash, password)
}
