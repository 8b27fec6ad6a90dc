import { shardOf } from '../../core/shard.ts'
import type { LogPosition, LogRow } from '../../ports.ts'
import { logPartitionName } from './log-partitions.ts'
import { type RawRow, ROW_COLUMNS, toLogRow } from './log-read.ts'
import { unpackRows } from './log-read-pack.ts'
import { errorCode, type Queryable } from './pool.ts'

/** Rows read of a raw day in one statement. */
const PAGE_ROWS = 1_000
/** Pieces of packed days unpacked for one page; each holds the rows of all homes of a shard for a while. */
const PAGE_PIECES = 20
const DAY_MS = 86_400_000
const UNDEFINED_TABLE = '42P01'
const LOG_START: LogPosition = { xid: 0n, id: 0 }

/** A stored row as it is shown; `code` says why it is no observation, whoever found that out: ingest or the fold. */
export type StoredMessage = LogRow & { code: string | null }

/** Of whom and of when. `fromMs` included, `toMs` excluded. */
type Asked = { homeId: string; fromMs: number; toMs: number }

/**
 * What was stored of a home between two moments of receipt, day by day in commit order, raw and packed days alike. A
 * page may hold fewer rows than asked for, even none, and still have a next one: the cursor says how far was looked.
 * @param asked `limit` 1…1,000; `cursor` as the last page gave it, else null; one that nobody gave out begins anew
 */
export async function readHomeLog(
  db: Queryable,
  asked: Asked & { cursor: string | null; limit: number },
  pieces = PAGE_PIECES,
): Promise<{ items: StoredMessage[]; nextCursor: string | null }> {
  const begin = parseCursor(asked.cursor)
  const items: StoredMessage[] = []
  const budget = { pieces }
  let last: { day: string; row: StoredMessage } | null = null
  for (const day of await keptDays(db, asked)) {
    if (begin && day < begin.day) continue
    for await (const step of readHomeDay(db, asked, day, { after: day === begin?.day ? begin : LOG_START, budget })) {
      if ('enough' in step) return { items, nextCursor: cursorOf(day, step.enough) }
      if (step.receivedAt < asked.fromMs || step.receivedAt >= asked.toMs) continue
      if (last && items.length === asked.limit) return { items, nextCursor: cursorOf(last.day, last.row) }
      items.push(step)
      last = { day, row: step }
    }
  }
  return { items, nextCursor: null }
}

function cursorOf(day: string, { xid, id }: LogPosition): string {
  return `${day}_${xid}_${id}`
}

function parseCursor(cursor: string | null): (LogPosition & { day: string }) | null {
  const [, day, xid, id] = /^(\d{4}-\d\d-\d\d)_(\d{1,19})_(\d{1,15})$/.exec(cursor ?? '') ?? []
  if (day === undefined || xid === undefined || id === undefined) return null
  return { day, xid: BigInt(xid), id: Number(id) }
}

/** The days of which anything is kept and that `asked` reaches into, in order. */
async function keptDays(db: Queryable, { homeId, fromMs, toMs }: Asked): Promise<string[]> {
  const { rows } = await db.query<{ day: string }>(
    `select to_char(day, 'YYYY-MM-DD') as day from (
       select to_date(substring(c.relname from '\\d{8}$'), 'YYYYMMDD') as day
       from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'observation_log'::regclass
       union
       select day from observation_pack where shard = $1
     ) d order by 1`,
    [shardOf(homeId)],
  )
  return rows.map((row) => row.day).filter((day) => Date.parse(day) < toMs && Date.parse(day) + DAY_MS > fromMs)
}

/** How far one page may look; `enough` is where the next one goes on. */
type Walk = { after: LogPosition; budget: { pieces: number } }
type Step = StoredMessage | { enough: LogPosition }

/** One home's rows of one day after a position, in order, with what was wrong with them. */
async function* readHomeDay(db: Queryable, asked: Asked, day: string, walk: Walk): AsyncGenerator<Step, void> {
  const { homeId, fromMs, toMs } = asked
  let position = walk.after
  try {
    for (;;) {
      const { rows } = await db.query<RawRow>(
        `select l.shard, ${ROW_COLUMNS}, null as facts_version from ${logPartitionName(day)} l
         where l.shard = $1 and l.home_id = $2 and (l.xid, l.id) > ($3, $4)
           and l.received_at >= to_timestamp($6::float8 / 1000) and l.received_at < to_timestamp($7::float8 / 1000)
           and l.xid < pg_snapshot_xmin(pg_current_snapshot())
         order by l.xid, l.id limit $5`,
        [shardOf(homeId), homeId, position.xid, position.id, PAGE_ROWS, fromMs, toMs],
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
  yield* readPackedDay(db, homeId, day, { ...walk, after: position })
}

async function* readPackedDay(
  db: Queryable,
  homeId: string,
  day: string,
  { after, budget }: Walk,
): AsyncGenerator<Step, void> {
  const shard = shardOf(homeId)
  const pieces = await db.query<LogPosition & { piece: number }>(
    `select piece, last_xid as xid, last_id as id from observation_pack
     where day = $1 and shard = $2 and (last_xid, last_id) > ($3, $4) order by piece limit $5`,
    [day, shard, after.xid, after.id, budget.pieces + 1],
  )
  let passed = after
  for (const { piece, ...end } of pieces.rows) {
    if (budget.pieces === 0) yield { enough: passed }
    budget.pieces--
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
    passed = end
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
