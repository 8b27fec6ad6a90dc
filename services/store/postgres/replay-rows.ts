import type { LogPosition, LogRow } from '../../ports.ts'
import { type RawRow, ROW_COLUMNS, toLogRow } from './log-read.ts'
import { comparePositions } from './log-read-home.ts'
import { unpackRows } from './log-read-pack.ts'
import { UPKEEP_LOCK } from './log-upkeep.ts'
import type { Database, Queryable } from './pool.ts'

/** Rows read of the raw days in one statement, and at most handed on at once. */
const PAGE_ROWS = 2_000
const LOCK_POLL_MS = 250

/** A row with what the fold said against it; null for a row that was an observation. */
export type ReplayRow = LogRow & { code: string | null }

type Source = { first: LogPosition; open(): AsyncIterator<LogRow, void> }
type Opened = { rows: AsyncIterator<LogRow, void>; head: LogRow }

/**
 * The rows of a shard after one position up to another, in commit order, page by page. Days overlap in commit order
 * around midnight, and a day may be there raw and packed at once: they are merged by position, each row once.
 * @param homeId null: of every home
 */
export async function* readShardRows(
  db: Queryable,
  asked: { shard: number; homeId: string | null; after: LogPosition; upTo: LogPosition },
): AsyncGenerator<ReplayRow[], void> {
  let page: LogRow[] = []
  for await (const row of merge(await sourcesOf(db, asked), asked.after)) {
    if (comparePositions(row, asked.upTo) > 0) break
    page.push(row)
    if (page.length < PAGE_ROWS) continue
    yield await withCodes(db, page)
    page = []
  }
  if (page.length > 0) yield await withCodes(db, page)
}

async function* merge(sources: Source[], after: LogPosition): AsyncGenerator<LogRow, void> {
  const waiting = sources.toSorted((a, b) => comparePositions(a.first, b.first))
  let opened: Opened[] = []
  let last = after
  for (;;) {
    let next = earliest(opened)
    while (waiting[0] && (!next || comparePositions(waiting[0].first, next.head) <= 0)) {
      const rows = (waiting.shift() as Source).open()
      const head = await rows.next()
      if (!head.done) opened.push({ rows, head: head.value })
      next = earliest(opened)
    }
    if (!next) return
    if (comparePositions(next.head, last) > 0) {
      last = next.head
      yield next.head
    }
    const following = await next.rows.next()
    if (following.done) opened = opened.filter((one) => one !== next)
    else next.head = following.value
  }
}

function earliest(opened: Opened[]): Opened | undefined {
  let first = opened[0]
  for (const one of opened) if (first && comparePositions(one.head, first.head) < 0) first = one
  return first
}

type Asked = { shard: number; homeId: string | null; after: LogPosition; upTo: LogPosition }

async function sourcesOf(db: Queryable, asked: Asked): Promise<Source[]> {
  const { rows } = await db.query<LogPosition & { day: string; piece: number }>(
    `select to_char(day, 'YYYY-MM-DD') as day, piece, first_xid as xid, first_id as id from observation_pack
     where shard = $1 and (last_xid, last_id) > ($2, $3) and (first_xid, first_id) <= ($4, $5)`,
    [asked.shard, asked.after.xid, asked.after.id, asked.upTo.xid, asked.upTo.id],
  )
  const pieces = rows.map(({ day, piece, xid, id }) => ({
    first: { xid, id },
    open: () => readPiece(db, asked, day, piece),
  }))
  return [{ first: asked.after, open: () => readRaw(db, asked) }, ...pieces]
}

async function* readRaw(db: Queryable, { shard, homeId, after, upTo }: Asked): AsyncGenerator<LogRow, void> {
  for (let position = after; ; ) {
    const { rows } = await db.query<RawRow>({
      name: 'replay-rows',
      text: `select l.shard, ${ROW_COLUMNS}, null as facts_version from observation_log l
             where l.shard = $1 and (l.xid, l.id) > ($2, $3) and (l.xid, l.id) <= ($4, $5)
               and ($6::text is null or l.home_id = $6)
             order by l.xid, l.id limit ${PAGE_ROWS}`,
      values: [shard, position.xid, position.id, upTo.xid, upTo.id, homeId],
    })
    for (const row of rows) yield toLogRow(row)
    const last = rows.at(-1)
    if (!last || rows.length < PAGE_ROWS) return
    position = last
  }
}

async function* readPiece(db: Queryable, asked: Asked, day: string, piece: number): AsyncGenerator<LogRow, void> {
  const { rows } = await db.query<{ rows_zstd: Buffer }>(
    'select rows_zstd from observation_pack where day = $1 and shard = $2 and piece = $3',
    [day, asked.shard, piece],
  )
  if (rows[0]) yield* await unpackRows(rows[0].rows_zstd, asked.shard, asked.homeId ?? undefined)
}

async function withCodes(db: Queryable, page: LogRow[]): Promise<ReplayRow[]> {
  const first = page[0] as LogRow
  const last = page.at(-1) as LogRow
  const { rows } = await db.query<{ id: number; code: string }>({
    name: 'replay-codes',
    text: `select id, code from log_rejection
           where home_id = any($1) and (xid, id) >= ($2, $3) and (xid, id) <= ($4, $5)`,
    values: [[...new Set(page.map((row) => row.homeId))], first.xid, first.id, last.xid, last.id],
  })
  const codes = new Map(rows.map((row) => [row.id, row.code]))
  return page.map((row) => ({ ...row, code: codes.get(row.id) ?? null }))
}

/** Runs `work` while nothing of the log is packed or dropped; waits for an upkeep that is at it. */
export async function whileLogStands<T>(pool: Database, work: () => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    for (;;) {
      const { rows } = await client.query<{ held: boolean }>('select pg_try_advisory_lock_shared($1) as held', [
        UPKEEP_LOCK,
      ])
      if (rows[0]?.held) break
      await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS))
    }
    return await work()
  } finally {
    // Closing the connection gives the lock back, whatever state it is in.
    client.release(true)
  }
}
