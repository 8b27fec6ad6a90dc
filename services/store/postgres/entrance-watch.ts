import type { Queryable } from './pool.ts'

/** Marks come each 5 s; the strictest limit on a gateway's silence is 20 s. */
const CLOSED_MS = 12_000
/** A message to be stored may wait for a mark: it must not wait for a server that is gone. The next mark comes soon. */
const ANSWER_MS = 2_000
/** A gap may be one in the clock: the rules see it, too, and it counts once. */
export const SAME_JUMP_WITHIN_S = 10

/** The row's lock puts all who mark in one line, and each sees what the one before has left: a gap is recorded once. */
const markText = (onlyGaps: boolean) => `
  with marked as (
    update entrance_watch
    set gap_ms = coalesce(round(extract(epoch from platform_now() - heard_until) * 1000), 0), heard_until = platform_now()
    ${onlyGaps ? `where platform_now() - heard_until > ${CLOSED_MS} * interval '1 millisecond'` : ''}
    returning heard_until, gap_ms
  ), jumped as (
    insert into clock_jump (gap_ms, at, cause)
    select gap_ms, heard_until, 'entrance-closed' from marked
    where gap_ms > ${CLOSED_MS} and not exists (
      select 1 from clock_jump j where abs(extract(epoch from j.at - heard_until)) < ${SAME_JUMP_WITHIN_S})
    returning gap_ms
  )
  select coalesce(max(gap_ms), 0)::int8 as gap_ms from jumped`
const MARK = { name: 'entrance-mark', text: markText(false) }
const RECORD_GAP = { name: 'entrance-gap', text: markText(true) }

/** An entrance is open: homes can be heard. @returns ms that none was before, 0 where that is no gap */
export function markEntranceOpen(db: Queryable): Promise<number> {
  return gapOf(db, MARK)
}

/**
 * Records how long homes could not be heard so far; for who is no entrance, and so leaves the mark alone where there is no
 * gap. @returns ms, 0 for none
 */
export function recordClosedEntrance(db: Queryable): Promise<number> {
  return gapOf(db, RECORD_GAP)
}

async function gapOf(db: Queryable, query: { name: string; text: string }): Promise<number> {
  // pg hands `query_timeout` through, its types do not know it.
  const bounded = { ...query, query_timeout: ANSWER_MS }
  const { rows } = await db.query<{ gap_ms: number }>(bounded)
  return rows[0]?.gap_ms ?? 0
}
