import type { LogPosition, RecordedInput, ReplayEvent, ReplayStart } from '../../ports.ts'
import { comparePositions, keptDays, readHomeDay, type StoredMessage } from './log-read-home.ts'
import type { Queryable } from './pool.ts'

const INPUTS_PER_READ = 500
const LAST_DAY = '9999-12-31'

/**
 * A home's record from the state it had at the start of `day` (`YYYY-MM-DD`, UTC): every row and every recorded input,
 * in the order in which they were folded. Null where no state of that day is kept.
 */
export async function openReplay(
  db: Queryable,
  homeId: string,
  day: string,
): Promise<{ start: ReplayStart; events: AsyncGenerator<ReplayEvent, void> } | null> {
  const { rows } = await db.query<LogPosition & { version: number; last_now: number; state: unknown }>(
    'select xid, id, version, last_now, state from home_state_daily where day = $1 and home_id = $2',
    [day, homeId],
  )
  const snapshot = rows[0]
  if (!snapshot) return null
  const { xid, id, version, last_now: lastNow, state } = snapshot
  const facts = await factsAt(db, homeId, version)
  const start: ReplayStart = { homeId, xid, id, version, lastNow, state, facts }
  return { start, events: replayFrom(db, homeId, day, start) }
}

/** The whole record of a home that is not older than the log. */
export function replayFromBirth(db: Queryable, homeId: string, day: string): AsyncGenerator<ReplayEvent, void> {
  return replayFrom(db, homeId, day, { xid: 0n, id: 0, version: 0 })
}

async function* replayFrom(
  db: Queryable,
  homeId: string,
  day: string,
  from: LogPosition & { version: number },
): AsyncGenerator<ReplayEvent, void> {
  const rows = mergeDays(db, homeId, day, from)
  const inputs = readInputs(db, homeId, from.version)
  let row = await rows.next()
  for await (const input of inputs) {
    // An input was applied after the row at its position, and before the next.
    while (!row.done && comparePositions(row.value, input) <= 0) {
      yield { type: 'row', row: row.value }
      row = await rows.next()
    }
    yield { type: 'input', input }
  }
  for (; !row.done; row = await rows.next()) yield { type: 'row', row: row.value }
}

/** Around midnight, and where the clock was set back, commit order and days differ: the days are merged by position. */
async function* mergeDays(
  db: Queryable,
  homeId: string,
  day: string,
  after: LogPosition,
): AsyncGenerator<StoredMessage, void> {
  const days = await Promise.all(
    (await keptDays(db, homeId, day, LAST_DAY)).map(async (kept) => {
      const rows = readHomeDay(db, homeId, kept, after)
      return { rows, next: await rows.next() }
    }),
  )
  for (;;) {
    let first: (typeof days)[number] | null = null
    for (const one of days) {
      if (one.next.done) continue
      if (!first || first.next.done || comparePositions(one.next.value, first.next.value) < 0) first = one
    }
    if (!first || first.next.done) return
    yield first.next.value
    first.next = await first.rows.next()
  }
}

async function* readInputs(db: Queryable, homeId: string, after: number): AsyncGenerator<RecordedInput, void> {
  for (let version = after; ; ) {
    const { rows } = await db.query<RecordedInput>(
      `select home_id as "homeId", version, xid, id, now, body as input from home_input
       where home_id = $1 and version > $2 order by version limit $3`,
      [homeId, version, INPUTS_PER_READ],
    )
    yield* rows
    const last = rows.at(-1)
    if (!last || rows.length < INPUTS_PER_READ) return
    version = last.version
  }
}

async function factsAt(db: Queryable, homeId: string, version: number): Promise<ReplayStart['facts']> {
  const { rows } = await db.query<{ facts: ReplayStart['facts'] }>(
    `select body->'facts' as facts from home_input
     where home_id = $1 and version <= $2 and body->>'type' = 'facts' order by version desc limit 1`,
    [homeId, version],
  )
  return rows[0]?.facts ?? null
}
