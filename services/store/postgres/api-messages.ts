import { shardOf } from '../../core/shard.ts'
import type { StoredMessage, StoredMessages } from '../../ports.ts'
import { HOME_VISIBLE, isHomeVisible, readAudited, scopeValues, toPage } from './api-scope.ts'
import { toLogRow } from './log-read.ts'
import type { Database, Queryable } from './pool.ts'

/** The log as people look at it: what came from a home, and what nobody could read, with the reason. */

const LIST = `
  select l.xid, l.id, (extract(epoch from l.received_at) * 1000000)::int8 as received_us, l.lane, l.home_id, l.account,
    l.flags, l.packet_id, l.topic, l.payload, coalesce(l.rejected, r.code) as rejected, null as facts_version, l.shard
  from observation_log l
  left join log_rejection r on r.home_id = l.home_id and r.xid = l.xid and r.id = l.id
  where l.shard = $1 and l.home_id = $2
    and l.received_at >= to_timestamp($3::float8 / 1000) and l.received_at < to_timestamp($4::float8 / 1000)
    and (l.xid, l.id) > ($5::xid8, $6::bigint)
  order by l.xid, l.id limit $7`

export function createStoredMessages(pool: Database): StoredMessages {
  return {
    list: (scope, homeId, time, { limit, cursor }) =>
      readAudited(
        pool,
        scope,
        async (tx) => {
          if (!(await isHomeVisible(tx, scope, homeId))) return null
          const rows = await readRows(tx, homeId, time, limit + 1, cursor)
          return toPage(rows, limit, toMessage, (row) => `${row.xid}-${row.id}`)
        },
        (seen) => (seen ? { action: 'observations.read', homeId, detail: { ...time } } : null),
      ),
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

async function readRows(
  tx: Queryable,
  homeId: string,
  { fromMs, toMs }: { fromMs: number; toMs: number },
  limit: number,
  cursor: string | null,
) {
  const [, xid, id] = /^(\d{1,19})-(\d{1,16})$/.exec(cursor ?? '') ?? ['', '0', '0']
  const { rows } = await tx.query<Parameters<typeof toLogRow>[0]>({
    name: 'api-messages',
    text: LIST,
    values: [shardOf(homeId), homeId, fromMs, toMs, xid, id, limit],
  })
  return rows
}

function toMessage(raw: Parameters<typeof toLogRow>[0]): StoredMessage {
  const { receivedAt, account, topic, payload, qos, dup, retain, rejected } = toLogRow(raw)
  return { receivedAt, account, topic, payload, qos, dup, retain, rejected }
}
