import type { ShardCursor } from '../../ports.ts'

export const HISTORY_READER = 'history'

/** Moves the projector's cursors, where a CTE `done` has a row. Takes the parameters $2 to $5, which `cursorValues` gives. */
export const MOVED_CURSORS = `
    update log_cursor c
    set xid = v.xid, id = v.id, passed_at = to_timestamp(v.passed_ms / 1000), version = c.version + 1
    from unnest($2::smallint[], $3::xid8[], $4::int8[], $5::float8[]) v(shard, xid, id, passed_ms), done
    where c.reader = '${HISTORY_READER}' and c.shard = v.shard`

export function cursorValues(cursors: readonly ShardCursor[]): unknown[] {
  return [
    cursors.map((cursor) => cursor.shard),
    cursors.map((cursor) => cursor.xid),
    cursors.map((cursor) => cursor.id),
    cursors.map((cursor) => cursor.passedAtMs),
  ]
}
