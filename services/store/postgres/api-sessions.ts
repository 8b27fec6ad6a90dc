import { createHmac, randomBytes } from 'node:crypto'
import type { Sessions, UserRole, Viewer } from '../../ports.ts'
import { writeAudit } from './audit.ts'
import { type Database, inTransaction } from './pool.ts'
import { hashPassword, isPassword } from './users.ts'

/** A shift and its handing over; who stays longer signs in again. */
const SESSION_MS = 12 * 3_600_000
const TOKEN_BYTES = 32

type UserRow = { user_id: string; login: string; name: string; role: UserRole; language: 'zh' | 'en' }
const USER_COLUMNS = 'u.user_id, u.login, u.name, u.role, u.language'

/** @param sessionKey a stolen table opens no session without it */
export function createSessions(pool: Database, sessionKey: string): Sessions {
  const hashOf = (token: string) => createHmac('sha256', sessionKey).update(token).digest()
  // Verified for a login that does not exist, so that the time tells nothing.
  const nobodysHash = hashPassword(randomBytes(TOKEN_BYTES).toString('base64url'))
  return {
    async open(login, password) {
      const user = await findUser(pool, login)
      const right = await isPassword(user?.password_hash ?? (await nobodysHash), password)
      const actor = user ? `user:${user.user_id}` : 'anonymous'
      if (!user || !right) {
        await writeAudit(pool, { actor, action: 'session.refused' })
        return null
      }
      const token = randomBytes(TOKEN_BYTES).toString('base64url')
      const expiresAtMs = await inTransaction(pool, async (tx) => {
        await tx.query('delete from app_session where expires_at < now()')
        const { rows } = await tx.query<{ expires_at: number }>(
          `insert into app_session (session_hash, user_id, expires_at)
           values ($1, $2, now() + $3 * interval '1 millisecond') returning expires_at`,
          [hashOf(token), user.user_id, SESSION_MS],
        )
        await writeAudit(tx, { actor, action: 'session.opened' })
        return rows[0]?.expires_at ?? 0
      })
      return { token, expiresAtMs, viewer: toViewer(user) }
    },
    async find(token) {
      const { rows } = await pool.query<UserRow>({
        name: 'api-session-find',
        text: `select ${USER_COLUMNS} from app_session s join app_user u using (user_id)
               where s.session_hash = $1 and s.expires_at > now() and u.disabled_at is null`,
        values: [hashOf(token)],
      })
      return rows[0] ? toViewer(rows[0]) : null
    },
    async close(token) {
      await inTransaction(pool, async (tx) => {
        const { rows } = await tx.query<{ user_id: string }>(
          'delete from app_session where session_hash = $1 returning user_id',
          [hashOf(token)],
        )
        if (rows[0]) await writeAudit(tx, { actor: `user:${rows[0].user_id}`, action: 'session.closed' })
      })
    },
    async memberships(userId) {
      const { rows } = await pool.query<{ homes: string[]; gridCells: string[] }>(
        `select array(select home_id from home_member where user_id = $1 order by 1) as homes,
                array(select grid_cell_id from cell_member where user_id = $1 order by 1) as "gridCells"`,
        [userId],
      )
      return rows[0] ?? { homes: [], gridCells: [] }
    },
  }
}

async function findUser(pool: Database, login: string): Promise<(UserRow & { password_hash: string }) | null> {
  // No text column holds U+0000, so no login does.
  if (login.includes('\0')) return null
  const { rows } = await pool.query<UserRow & { password_hash: string }>(
    `select ${USER_COLUMNS}, u.password_hash from app_user u where u.login = $1 and u.disabled_at is null`,
    [login],
  )
  return rows[0] ?? null
}

function toViewer({ user_id: userId, ...user }: UserRow): Viewer {
  return { userId, login: user.login, name: user.name, role: user.role, language: user.language }
}
