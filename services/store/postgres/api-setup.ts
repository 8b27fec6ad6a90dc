import { randomBytes } from 'node:crypto'
import type { SetupLinks } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import { writeAudit } from './audit.ts'
import { type Database, inTransaction, type Queryable } from './pool.ts'
import { createUser } from './users.ts'

const TOKEN_BYTES = 32
const VALID_HOURS = 1

export function createSetupLinks(pool: Database, sealing: Sealing): SetupLinks {
  return {
    issue: () =>
      inTransaction(pool, async (tx) => {
        if (await hasUser(tx)) return null
        const token = randomBytes(TOKEN_BYTES).toString('base64url')
        await tx.query('delete from setup_link where expires_at < now()')
        await tx.query(
          `insert into setup_link (token_hash, expires_at) values ($1, now() + interval '${VALID_HOURS} hours')`,
          [sealing.secretHash(token)],
        )
        return token
      }),
    async isOpen(token) {
      const { rowCount } = await pool.query(
        'select 1 from setup_link where token_hash = $1 and used_at is null and expires_at > now()',
        [sealing.secretHash(token)],
      )
      return rowCount === 1 && !(await hasUser(pool))
    },
    use: (token, admin) =>
      inTransaction(pool, async (tx) => {
        const { rowCount } = await tx.query(
          `update setup_link set used_at = now() where token_hash = $1 and used_at is null and expires_at > now()`,
          [sealing.secretHash(token)],
        )
        if (rowCount === 0 || (await hasUser(tx))) return false
        const userId = 'admin'
        await createUser(tx, sealing, { userId, role: 'admin', phone: null, onCall: false, ...admin })
        const action = 'user.created'
        await writeAudit(tx, {
          actor: 'anonymous',
          action,
          subject: userId,
          detail: { role: 'admin', via: 'setup-link' },
        })
        return true
      }),
  }
}

async function hasUser(db: Queryable): Promise<boolean> {
  const { rowCount } = await db.query('select 1 from app_user limit 1')
  return rowCount === 1
}
