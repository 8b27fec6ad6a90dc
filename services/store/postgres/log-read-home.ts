import { shardOf } from '../../core/shard.ts'
import type { LogPosition, LogRow } from '../../ports.ts'
import { logPartitionName } from './log-partitions.ts'
import { type RawRow, ROW_COLUMNS, toLogRow } from './log-read.ts'
import { unpackRows } from './log-read-pack.ts'
import { errorCode, type Queryable } from './pool.ts'

/** Rows read of a raw day in one statement. */
const PAGE_ROWS = 1_000
const UNDEFINED_TABLE = '42P01'
const LOG_START: LogPosition = { xid: 0n, id: 0 }

/** A stored row as it is shown; `code` says why it is no observation, whoever found that out: ingest or the fold. */
export type StoredMessage = LogRow & { code: string | null }

/**
 * What was stored of a home between two moments of receipt, day by day in commit order, raw and packed days alike.
 * @param asked `fromMs` included, `toMs` excluded; `limit` 1…1,000; `cursor` as the last page gave it, else null
 */
export async function readHomeLog(
  db: Queryable,
  asked: { homeId: string; fromMs: number; toMs: number; cursor: string | null; limit: number },
): Promise<{ items: StoredMessage[]; nextCursor: string | null }> {
  const begin = asked.cursor === null ? null : parseCursor(asked.cursor)
  const fromDay = begin?.day ?? utcDay(asked.fromMs)
  const items: StoredMessage[] = []
  let last: { day: string; row: StoredMessage } | null = null
  for (const day of await keptDays(db, asked.homeId, fromDay, utcDay(asked.toMs - 1))) {
    for await (const row of readHomeDay(db, asked.homeId, day, day === begin?.day ? begin : LOG_START)) {
      if (row.receivedAt < asked.fromMs || row.receivedAt >= asked.toMs) continue
      if (last && items.length === asked.limit)
        return { items, nextCursor: `${last.day}_${last.row.xid}_${last.row.id}` }
      items.push(row)
      last = { day, row }
    }
  }
  return { items, nextCursor: null }
}

/** @throws RangeError when it is no cursor of ours */
function parseCursor(cursor: string): LogPosition & { day: string } {
  const [, day, xid, id] = /^(\d{4}-\d\d-\d\d)_(\d{1,20})_(\d{1,16})$/.exec(cursor) ?? []
  if (day === undefined || xid === undefined || id === undefined) throw new RangeError('not a cursor of the log')
  return { day, xid: BigInt(xid), id: Number(id) }
}

function utcDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

/** Days from `from` to `to`, both included, of which anything is kept, in order. */
async function keptDays(db: Queryable, homeId: string, from: string, to: string): Promise<string[]> {
  const { rows } = await db.query<{ day: string }>(
    `select to_char(day, 'YYYY-MM-DD') as day from (
       select to_date(substring(c.relname from '\\d{8}$'), 'YYYYMMDD') as day
       from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'observation_log'::regclass
       union
       select day from observation_pack where shard = $1
     ) d where day between $2::date and $3::date order by 1`,
    [shardOf(homeId), from, to],
  )
  return rows.map((row) => row.day)
}

/** One home's rows of one day after a position, in order, with what was wrong with them. */
async function* readHomeDay(
  db: Queryable,
  homeId: string,
  day: string,
  after: LogPosition,
): AsyncGenerator<StoredMessage, void> {
  let position = after
  try {
    for (;;) {
      const { rows } = await db.query<RawRow>(
        `select l.shard, ${ROW_COLUMNS}, null as facts_version from ${logPartitionName(day)} l
         where l.shard = $1 and l.home_id = $2 and (l.xid, l.id) > ($3, $4)
           and l.xid < pg_snapshot_xmin(pg_current_snapshot())
         order by l.xid, l.id limit $5`,
        [shardOf(homeId), homeId, position.xid, position.id, PAGE_ROWS],
      )
      for (const row of await withCodes(db, homeId, rows.map(toLogRow))) {
        yield row
        position = row
      }
      if (rows.length < PAGE_ROWS) return
    }
  } catch (error) {
    // The raw day is gone, maybe this very moment: it is packed.
    if (errorCode(error) !== UNDEFINED_TABLE) throw error
  }
  yield* readPackedDay(db, homeId, day, position)
}

async function* readPackedDay(
  db: Queryable,
  homeId: string,
  day: string,
  after: LogPosition,
): AsyncGenerator<StoredMessage, void> {
  const shard = shardOf(homeId)
  const pieces = await db.query<{ piece: number }>(
    `select piece from observation_pack
     where day = $1 and shard = $2 and (last_xid, last_id) > ($3, $4) order by piece`,
    [day, shard, after.xid, after.id],
  )
  for (const { piece } of pieces.rows) {
    const { rows } = await db.query<{ rows_zstd: Buffer }>(
      'select rows_zstd from observation_pack where day = $1 and shard = $2 and piece = $3',
      [day, shard, piece],
    )
    const packed = rows[0] ? await unpackRows(rows[0].rows_zstd, shard, homeId) : []
    yield* await withCodes(
      db,
      homeId,
      packed.filter((row) => comparePositions(row, after) > 0),
    )
  }
}

export function comparePositions(a: LogPosition, b: LogPosition): number {
  if (a.xid !== b.xid) return a.xid < b.xid ? -1 : 1
  return a.id - b.id
}

async function withCodes(db: Queryable, homeId: string, rows: LogRow[]): Promise<StoredMessage[]> {
  const first = rows[0]
  const last = rows.at(-1)
  if (!first || !last) return []
  const found = await db.query<LogPosition & { code: string }>(
    `select xid, id, code from log_rejection
     where home_id = $1 and (xid, id) >= ($2, $3) and (xid, id) <= ($4, $5)`,
    [homeId, first.xid, first.id, last.xid, last.id],
  )
  const codes = new Map(found.rows.map((row) => [row.id, row.code]))
  return rows.map((row) => ({ ...row, code: row.rejected ?? codes.get(row.id) ?? null }))
}
