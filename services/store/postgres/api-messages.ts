import type { StoredMessage, StoredMessages } from '../../ports.ts'
import { actorOf, HOME_VISIBLE, isHomeVisible, readAudited, scopeValues } from './api-scope.ts'
import { writeAudit } from './audit.ts'
import { type StoredMessage as LogMessage, readHomeLog } from './log-read-home.ts'
import type { Database } from './pool.ts'

/** The log as people look at it: what came from a home, and what nobody could read, with the reason. */

export function createStoredMessages(pool: Database): StoredMessages {
  return {
    /** Not in one transaction: a day that is packed and dropped while it is read would end it. Nobody sees it unaudited. */
    async list(scope, homeId, time, { limit, cursor }) {
      if (!(await isHomeVisible(pool, scope, homeId))) return null
      const { items, nextCursor } = await readHomeLog(pool, { homeId, ...time, limit, cursor })
      await writeAudit(pool, { actor: actorOf(scope), action: 'observations.read', homeId, detail: { ...time } })
      return { items: items.map(toMessage), nextCursor }
    },
    beginHistory: (scope, homeId, { deviceId, field }) =>
      readAudited(
        pool,
        scope,
        async (tx) => {
          const { rowCount } = await tx.query(
            `select 1 from home h join device d using (home_id)
             where h.home_id = $3 and d.device_id = $4 and ${HOME_VISIBLE}`,
            [...scopeValues(scope), homeId, deviceId],
          )
          return rowCount === 1
        },
        (found) => (found ? { action: 'history.read', homeId, subject: deviceId, detail: { field } } : null),
      ),
  }
}

function toMessage({ receivedAt, account, topic, payload, qos, dup, retain, code }: LogMessage): StoredMessage {
  return { receivedAt, account, topic, payload, qos, dup, retain, rejected: code }
}
