import type { Queryable } from './pool.ts'

/** Closed for longer than this, the time is taken off the homes' silence. Well under every supervision's own limit. */
const CLOSED_MS = 30_000
/** The rules may have seen the same gap as a jump of the clock. */
const SAME_JUMP_WITHIN_S = 10

/** The row's lock puts all who mark in one line, so each gap is recorded once. */
const MARK = `
  with marked as (
    update entrance_watch set open_before_at = open_at, open_at = platform_now() returning open_at, open_before_at
  ), jumped as (
    insert into clock_jump (gap_ms, at)
    select round(extract(epoch from open_at - open_before_at) * 1000), open_at from marked
    where $1::boolean and open_at - open_before_at > ${CLOSED_MS} * interval '1 millisecond' and not exists (
      select 1 from clock_jump j where abs(extract(epoch from j.at - open_at)) < ${SAME_JUMP_WITHIN_S})
    returning gap_ms
  )
  select coalesce(max(gap_ms), 0)::int8 as gap_ms from jumped`

/**
 * Notes that an entrance is open, or about to be, and records how long none was.
 * @param mayHaveBeenClosed false for who knows that it marked within CLOSED_MS: then a gap is the clock's, and not ours
 * @returns ms of the gap that was recorded, 0 for none
 */
export async function markEntranceOpen(db: Queryable, mayHaveBeenClosed: boolean): Promise<number> {
  const { rows } = await db.query<{ gap_ms: number }>({
    name: 'entrance-mark',
    text: MARK,
    values: [mayHaveBeenClosed],
  })
  return rows[0]?.gap_ms ?? 0
}
