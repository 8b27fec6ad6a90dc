import type { HomeKey, HomeRows, LogLag, LogRow, ShardCursor, ShardPosition, UnreadRows } from '../../ports.ts'
import type { Queryable } from './pool.ts'

/**
 * How far before a cursor's `passed_at` a row after the cursor may have been received: run-time pruning skips the
 * partitions older than that. Commit order and receipt time differ by no more than a transaction may last (10 s), so a
 * day is ample; and where the clock was set back, `least(passed_at, now())` follows it, so that only a reader that
 * stands still for a whole day around such a jump could miss rows.
 */
const PRUNE_MARGIN = "interval '1 day'"

/** Receipt times are read as whole microseconds: exact, and cheaper to parse than a timestamp's text. */
const UNREAD_COLUMNS = `l.xid, l.id, (extract(epoch from l.received_at) * 1000000)::int8 as received_us,
  l.home_id, l.account, l.flags, l.packet_id, l.topic, l.payload, l.rejected`
export const ROW_COLUMNS = `${UNREAD_COLUMNS}, l.lane`

/** Rows after the cursor `c`. */
const AFTER_CURSOR = `l.shard = c.shard and (l.xid, l.id) > (c.xid, c.id)
  and l.received_at >= least(c.passed_at, now()) - ${PRUNE_MARGIN}`
/** Above the snapshot's xmin an earlier transaction is still open, whose rows will sort before: nobody passes those. */
const READABLE = 'l.xid < pg_snapshot_xmin(pg_current_snapshot())'

/** Of the clock's jumps: who folds rows must know all that were recorded before them. */
const LAST_EPOCH = '(select coalesce(max(epoch), 0) from clock_jump)'

/** The version of what is known about the row's home. */
const FACTS_VERSION = '(select h.settings_version from home h where h.home_id = l.home_id)'
/** The same, but only where some fold has not taken it in yet: a look into a table that is nearly always empty. */
const NEW_FACTS_VERSION = '(select f.version from home_facts_changed f where f.home_id = l.home_id)'

/** Where the reader stands is said once a shard, beside its first row: each field of each row costs its parsing. */
const readUnreadText = (factsVersion: string) => `
  select c.shard, case when l.nth > 1 then null else c.xid end as cursor_xid,
         case when l.nth > 1 then null else c.id end as cursor_id,
         case when l.nth > 1 then null else c.version end as cursor_version,
         case when l.nth > 1 then null else c.passed_at end as passed_at,
         case when l.nth > 1 then null else (select extract(epoch from platform_now()) * 1000)::int8 end as now_ms,
         case when l.nth > 1 then null else ${LAST_EPOCH} end as epoch, l.*
  from (
    select c.shard, coalesce(a.xid, c.xid) as xid, coalesce(a.id, c.id) as id, coalesce(a.version, c.version) as version,
           coalesce(to_timestamp(a.passed_ms / 1000), c.passed_at) as passed_at
    from log_cursor c
    left join unnest($4::smallint[], $5::xid8[], $6::int8[], $7::int8[], $8::float8[]) a(shard, xid, id, version, passed_ms)
      on a.shard = c.shard
    where c.reader = $1 and c.shard = any($2::smallint[])
  ) c
  left join lateral (
    select r.*, row_number() over () as nth from (
      select ${UNREAD_COLUMNS}, ${factsVersion} as facts_version, ${READABLE} as readable
      from observation_log l where ${AFTER_CURSOR} order by l.xid, l.id limit $3
    ) r
  ) l on true
  order by c.shard, l.xid, l.id`
const READ_UNREAD = { name: 'log-read-unread', text: readUnreadText(FACTS_VERSION) }
const READ_UNFOLDED = { name: 'log-read-unfolded', text: readUnreadText(NEW_FACTS_VERSION) }

/** A home may already be ahead of its shard's cursor, where its urgent rows were folded first. */
const READ_HOME_ROWS = `
  select c.shard, (select extract(epoch from platform_now()) * 1000)::int8 as now_ms, ${LAST_EPOCH} as epoch, l.*
  from (select shard, array_agg(home_id) as homes from unnest($2::smallint[], $3::text[]) w(shard, home_id) group by shard) w
  join log_cursor c on c.reader = $1 and c.shard = w.shard
  left join lateral (
    select ${UNREAD_COLUMNS}, ${NEW_FACTS_VERSION} as facts_version, ${READABLE} as readable
    from observation_log l left join home_state s on s.home_id = l.home_id
    where ${AFTER_CURSOR} and l.home_id = any(w.homes) and (s.home_id is null or (l.xid, l.id) > (s.xid, s.id))
    order by l.xid, l.id limit $4
  ) l on true
  order by c.shard, l.xid, l.id`

const READ_URGENT_HOMES = `
  select u.home_id, c.shard
  from log_cursor c
  cross join lateral (
    select l.home_id, l.received_at
    from observation_log l left join home_state s on s.home_id = l.home_id
    where ${AFTER_CURSOR} and ${READABLE} and l.lane = 0 and l.rejected is null and (s.home_id is null or (l.xid, l.id) > (s.xid, s.id))
    order by l.xid, l.id limit $3
  ) u
  where c.reader = $1 and c.shard = any($2::smallint[])
  group by u.home_id, c.shard
  order by min(u.received_at)`

/** The oldest unread row of each shard, those above xmin included: what waits, not only what may be read. */
const READ_LAG = `
  select c.shard, (extract(epoch from l.received_at) * 1000)::float8 as oldest_ms,
         (select extract(epoch from platform_now()) * 1000)::int8 as now_ms,
         ${LAST_EPOCH} as epoch
  from (select 1) one
  left join log_cursor c on c.reader = $1 and c.shard = any($2::smallint[])
  left join lateral (
    select l.received_at from observation_log l
    where ${AFTER_CURSOR}
    order by l.xid, l.id limit 1
  ) l on true`

export type RawRow = {
  shard: number
  xid: bigint
  id: number
  received_us: number
  /** Only where a day is packed. */
  lane?: number
  home_id: string
  account: string
  flags: number
  packet_id: number | null
  topic: string
  payload: Buffer
  rejected: string | null
  facts_version: number | null
}
type CursorRow = {
  cursor_xid: bigint
  cursor_id: number
  cursor_version: number
  passed_at: number
  now_ms: number
  epoch: number
}

/** One query for any number of shards: where the reader stands in each (or will stand, `ahead`), and what comes next. */
export async function readUnread(
  db: Queryable,
  asked: {
    reader: string
    shards: readonly number[]
    limitPerShard: number
    /** Whoever folds is told of facts only while they are new. */
    facts: 'all' | 'new'
    ahead?: readonly ShardCursor[]
  },
): Promise<UnreadRows> {
  const ahead = asked.ahead ?? []
  const { rows } = await db.query<CursorRow & RawRow & { id: number | null; readable: boolean | null }>({
    ...(asked.facts === 'new' ? READ_UNFOLDED : READ_UNREAD),
    values: [
      asked.reader,
      asked.shards,
      asked.limitPerShard,
      ahead.map((cursor) => cursor.shard),
      ahead.map((cursor) => cursor.xid),
      ahead.map((cursor) => cursor.id),
      ahead.map((cursor) => cursor.version),
      ahead.map((cursor) => cursor.passedAtMs),
    ],
  })
  const cursors: ShardCursor[] = []
  const unread: LogRow[] = []
  const hidden: ShardPosition[] = []
  let shard = -1
  for (const row of rows) {
    if (row.shard !== shard) {
      shard = row.shard
      cursors.push(cursorOf(row))
    }
    if (row.readable) unread.push(toLogRow(row))
    else if (row.id !== null && hidden.at(-1)?.shard !== shard) hidden.push({ shard, xid: row.xid, id: row.id })
  }
  return { nowMs: rows[0]?.now_ms ?? 0, epoch: rows[0]?.epoch ?? 0, cursors, rows: unread, hidden }
}

/** Of the first row of a shard. */
function cursorOf({
  shard,
  cursor_xid,
  cursor_id,
  cursor_version,
  passed_at,
}: CursorRow & { shard: number }): ShardCursor {
  return { shard, xid: cursor_xid, id: cursor_id, version: cursor_version, passedAtMs: passed_at }
}

export async function readHomeRows(
  db: Queryable,
  asked: { reader: string; homes: readonly HomeKey[]; limitPerShard: number },
): Promise<HomeRows> {
  const { rows } = await db.query<
    RawRow & { id: number | null; now_ms: number; epoch: number; readable: boolean | null }
  >({
    name: 'log-read-home-rows',
    text: READ_HOME_ROWS,
    values: [
      asked.reader,
      asked.homes.map((home) => home.shard),
      asked.homes.map((home) => home.homeId),
      asked.limitPerShard,
    ],
  })
  return {
    nowMs: rows[0]?.now_ms ?? 0,
    epoch: rows[0]?.epoch ?? 0,
    rows: rows.filter((row) => row.readable).map(toLogRow),
    hiddenHomes: new Set(rows.filter((row) => row.readable === false).map((row) => row.home_id)),
  }
}

export async function readUrgentHomes(
  db: Queryable,
  asked: { reader: string; shards: readonly number[]; limitPerShard: number },
): Promise<HomeKey[]> {
  const { rows } = await db.query<{ home_id: string; shard: number }>({
    name: 'log-read-urgent-homes',
    text: READ_URGENT_HOMES,
    values: [asked.reader, asked.shards, asked.limitPerShard],
  })
  return rows.map((row) => ({ homeId: row.home_id, shard: row.shard }))
}

export async function readLag(db: Queryable, asked: { reader: string; shards: readonly number[] }): Promise<LogLag> {
  const { rows } = await db.query<{ shard: number; oldest_ms: number | null; now_ms: number; epoch: number }>({
    name: 'log-read-lag',
    text: READ_LAG,
    values: [asked.reader, asked.shards],
  })
  const lagging = rows.flatMap((row) =>
    row.oldest_ms === null ? [] : [{ shard: row.shard, oldestReceivedAt: row.oldest_ms }],
  )
  return { nowMs: rows[0]?.now_ms ?? 0, epoch: rows[0]?.epoch ?? 0, lagging }
}

export function toLogRow(row: RawRow): LogRow {
  return {
    shard: row.shard,
    xid: row.xid,
    id: row.id,
    homeId: row.home_id,
    account: row.account,
    topic: row.topic,
    payload: row.payload,
    qos: qosOf(row.flags),
    packetId: row.packet_id,
    dup: (row.flags & 4) !== 0,
    retain: (row.flags & 8) !== 0,
    receivedAt: Math.floor(row.received_us / 1000),
    rejected: row.rejected,
    factsVersion: row.facts_version,
  }
}

export function qosOf(flags: number): 0 | 1 | 2 {
  const qos = flags & 3
  return qos === 1 || qos === 2 ? qos : 0
}
