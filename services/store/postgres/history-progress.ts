import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import type { PlacedDevice } from '../../../devices/observation.ts'
import { SHARDS } from '../../core/shard.ts'
import type { HistoryBatch, HistoryProgress, HomeDevices, MeasuredPoint, ShardCursor } from '../../ports.ts'
import { cursorValues, HISTORY_READER, MOVED_CURSORS } from './history-cursors.ts'
import { readLag, readUnread } from './log-read.ts'
import type { Database, Queryable } from './pool.ts'

const RULES_READER = 'rules'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)
/** Fast rather than small: the bytes live for a second. */
const ZSTD_LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

const READ_DEVICES = `
  select h.home_id, h.settings_version, coalesce(d.devices, '[]') as devices
  from home h left join lateral (
    select json_agg(json_build_object('deviceId', device_id, 'kind', kind, 'room', room, 'gatewayId', gateway_id,
                                      'convention', convention, 'address', address, 'retired', retired_at is not null)) as devices
    from device d where d.home_id = h.home_id
  ) d on true
  where h.home_id = any($1)`

const PROPOSE = `
  update history_batch set version = version + 1, batch_zstd = $2 where version = $1 and batch_zstd is null`

/** Cursors and dead letters go with the version or not at all; one autocommit statement, which nobody can hold open. */
const FINISH = `
  with done as (
    update history_batch set version = version + 1, batch_zstd = null where version = $1 returning 1
  ), moved as (${MOVED_CURSORS}
  ), refused as (
    insert into history_dead_letter (home_id, device_id, at, sequence, reason, point)
    select home_id, device_id, to_timestamp(at_ms / 1000), sequence, reason, point
    from unnest($6::text[], $7::text[], $8::float8[], $9::int4[], $10::text[], $11::jsonb[])
      v(home_id, device_id, at_ms, sequence, reason, point), done
    on conflict do nothing
  )
  select 1 from done`

export function createHistoryProgress(pool: Database): HistoryProgress {
  return {
    async prepareCursors(shards) {
      await pool.query(
        `insert into log_cursor (reader, shard) select '${HISTORY_READER}', unnest($1::smallint[]) on conflict do nothing`,
        [shards],
      )
    },
    readState: () => readState(pool),
    readUnread: (asked) => readUnread(pool, { reader: HISTORY_READER, facts: 'all', ...asked }),
    readDevices: (homeIds) => readDevices(pool, homeIds),
    async propose(version, batch) {
      const { rowCount } = await pool.query({
        name: 'history-propose',
        text: PROPOSE,
        values: [version, await compress(writeBatch(batch), ZSTD_LEVEL)],
      })
      return rowCount === 1
    },
    async finish(version, { cursors, deadLetters }) {
      const points = deadLetters.map((letter) => letter.point)
      const { rowCount } = await pool.query({
        name: 'history-finish',
        text: FINISH,
        values: [
          version,
          ...cursorValues(cursors),
          points.map((point) => point.homeId),
          points.map((point) => point.deviceId),
          points.map((point) => point.atMs),
          points.map((point) => point.sequence),
          deadLetters.map((letter) => letter.reason),
          points.map((point) => JSON.stringify(point)),
        ],
      })
      return rowCount === 1
    },
    async readLagging(longerThanMs) {
      const { nowMs, lagging } = await readLag(pool, { reader: HISTORY_READER, shards: SHARDS })
      // A clock that was set back makes them come from the future: as old as unknown.
      return lagging
        .filter((shard) => Math.abs(nowMs - shard.oldestReceivedAt) > longerThanMs)
        .map(({ shard }) => shard)
    },
    readBehindMs: () => readerBehindMs(pool, HISTORY_READER),
    readRulesBehindMs: () => readerBehindMs(pool, RULES_READER),
  }
}

async function readerBehindMs(pool: Database, reader: string): Promise<number> {
  const { nowMs, lagging } = await readLag(pool, { reader, shards: SHARDS })
  return lagging.reduce((behindMs, shard) => Math.max(behindMs, Math.ceil(nowMs - shard.oldestReceivedAt)), 0)
}

async function readState(db: Queryable): Promise<{ version: number; batch: HistoryBatch | null }> {
  const { rows } = await db.query<{ version: number; batch_zstd: Buffer | null }>(
    'select version, batch_zstd from history_batch',
  )
  const row = rows[0]
  if (row === undefined) throw new Error('history_batch has lost its row')
  if (row.batch_zstd === null) return { version: row.version, batch: null }
  return { version: row.version, batch: readBatch(await decompress(row.batch_zstd)) }
}

type StoredBatch = { points: MeasuredPoint[]; cursors: (Omit<ShardCursor, 'xid'> & { xid: string })[] }

function writeBatch({ points, cursors }: HistoryBatch): string {
  return JSON.stringify({ points, cursors: cursors.map((cursor) => ({ ...cursor, xid: String(cursor.xid) })) })
}

function readBatch(json: Buffer): HistoryBatch {
  // Written by `writeBatch` above, into a column that nobody else writes.
  const { points, cursors } = JSON.parse(json.toString('utf8')) as StoredBatch
  return { points, cursors: cursors.map((cursor) => ({ ...cursor, xid: BigInt(cursor.xid) })) }
}

async function readDevices(db: Queryable, homeIds: readonly string[]): Promise<HomeDevices[]> {
  const { rows } = await db.query<{ home_id: string; settings_version: number; devices: PlacedDevice[] }>({
    name: 'history-read-devices',
    text: READ_DEVICES,
    values: [homeIds],
  })
  return rows.map((row) => ({ homeId: row.home_id, factsVersion: row.settings_version, devices: row.devices }))
}
