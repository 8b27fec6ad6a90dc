import { SHARDS } from '../../core/shard.ts'
import type { LogPosition } from '../../ports.ts'
import { logPartitionName } from './log-partitions.ts'
import { type RawRow, ROW_COLUMNS } from './log-read.ts'
import { packRows } from './log-read-pack.ts'
import type { Queryable } from './pool.ts'

/** Rows of one piece: a home's day is read by unpacking its shard's pieces, so they are not too large. */
const PIECE_ROWS = 10_000

/**
 * Packs what is not packed yet of a closed day, shard by shard, each piece in a statement of its own. May be stopped
 * and repeated at any point: a piece begins where the last one ended.
 * @param day `YYYY-MM-DD`, UTC
 */
export async function packDay(db: Queryable, day: string, pieceRows = PIECE_ROWS): Promise<{ rows: number }> {
  let packed = 0
  for (const shard of SHARDS) {
    for (;;) {
      const rows = await packPiece(db, day, shard, pieceRows)
      packed += rows
      if (rows < pieceRows) break
    }
  }
  return { rows: packed }
}

async function packPiece(db: Queryable, day: string, shard: number, pieceRows: number): Promise<number> {
  const after = await lastPacked(db, day, shard)
  const { rows } = await db.query<RawRow & { lane: number }>(
    `select l.shard, ${ROW_COLUMNS}, null as facts_version from ${logPartitionName(day)} l
     where l.shard = $1 and (l.xid, l.id) > ($2, $3) order by l.xid, l.id limit $4`,
    [shard, after.xid, after.id, pieceRows],
  )
  const first = rows[0]
  const last = rows.at(-1)
  if (!first || !last) return 0
  await db.query(
    `insert into observation_pack (day, shard, piece, first_xid, first_id, last_xid, last_id, row_count, rows_zstd)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [day, shard, after.piece + 1, first.xid, first.id, last.xid, last.id, rows.length, await packRows(rows)],
  )
  return rows.length
}

async function lastPacked(db: Queryable, day: string, shard: number): Promise<LogPosition & { piece: number }> {
  const { rows } = await db.query<LogPosition & { piece: number }>(
    `select piece, last_xid as xid, last_id as id from observation_pack
     where day = $1 and shard = $2 order by piece desc limit 1`,
    [day, shard],
  )
  return rows[0] ?? { piece: 0, xid: 0n, id: 0 }
}

/** Whether each row of the raw day is in a piece: every piece has as many rows as the range it stands for, and none is left. */
export async function isWhollyPacked(db: Queryable, day: string): Promise<boolean> {
  const table = logPartitionName(day)
  const pieces = await db.query<{ shard: number; piece: number; row_count: number }>(
    'select shard, piece, row_count from observation_pack where day = $1 order by shard, piece',
    [day],
  )
  for (const { shard, piece, row_count: packed } of pieces.rows) {
    const { rows } = await db.query<{ raw: number }>(
      `select count(*) as raw from ${table} l, observation_pack p
       where p.day = $1 and p.shard = $2 and p.piece = $3
         and l.shard = p.shard and (l.xid, l.id) >= (p.first_xid, p.first_id) and (l.xid, l.id) <= (p.last_xid, p.last_id)`,
      [day, shard, piece],
    )
    // A piece of an earlier partition of the same day (the clock was set back) has none of its rows here any more.
    if (rows[0]?.raw !== packed && rows[0]?.raw !== 0) return false
  }
  for (const shard of SHARDS) {
    const packedTo = await lastPacked(db, day, shard)
    const { rowCount } = await db.query(
      `select 1 from ${table} l where l.shard = $1 and (l.xid, l.id) > ($2, $3) limit 1`,
      [shard, packedTo.xid, packedTo.id],
    )
    if (rowCount !== 0) return false
  }
  return true
}
