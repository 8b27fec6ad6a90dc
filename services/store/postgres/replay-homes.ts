import type { Signal } from '../../core/signal.ts'
import type { LogPosition, RecordedInput, ReplayStart, StoredFacts } from '../../ports.ts'
import { LAST_SIGNAL } from './log-upkeep.ts'
import type { Queryable } from './pool.ts'

/** A home as it stands now, and where its replay begins: at its birth (null), or with the state of a day. */
export type HomeRecord = LogPosition & {
  homeId: string
  version: number
  state: unknown
  lastSignalId: number
  start: (ReplayStart & { signalId: number }) | null
  /** Neither its birth nor a state of the day asked for is on record. */
  startMissing: boolean
}

/**
 * `$3` is the day asked for, null for the whole record. A home that was born since begins with its first message; of an
 * older one a state must have been kept.
 */
const READ_HOMES = `
  with kept as (
    select min(day) as first_day from (
      select to_date(substring(c.relname from '\\d{8}$'), 'YYYYMMDD') as day
      from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'observation_log'::regclass
      union all select min(day) from observation_pack) d
  )
  select s.home_id, s.version, s.xid, s.id, s.state, ${LAST_SIGNAL} as last_signal_id,
    coalesce(born.now >= coalesce($3::date, kept.first_day)::timestamp at time zone 'UTC', false) as whole,
    d.version as start_version, d.xid as start_xid, d.id as start_id, d.last_now as start_now, d.state as start_state,
    d.signal_id as start_signal_id,
    (select n.body->'facts' from home_input n where n.home_id = s.home_id and n.version <= d.version
       and n.body->>'type' = 'facts' order by n.version desc limit 1) as start_facts
  from home_state s
  cross join kept
  left join home_input born on born.home_id = s.home_id and born.version = 1
  left join lateral (
    select * from home_state_daily d
    where d.home_id = s.home_id and case when $3::date is null then d.day >= kept.first_day else d.day = $3::date end
    order by d.day limit 1
  ) d on true
  where s.shard = $1 and ($2::text is null or s.home_id = $2)
  order by s.home_id`

type HomeRow = LogPosition & {
  home_id: string
  version: number
  state: unknown
  last_signal_id: number
  whole: boolean
  start_version: number | null
  start_xid: bigint
  start_id: number
  start_now: number
  start_state: unknown
  start_signal_id: number
  start_facts: StoredFacts | null
}

/** @param asked `homeId` null: every home of the shard; `from` a day `YYYY-MM-DD` (UTC), null: as far back as the record goes */
export async function readHomeRecords(
  db: Queryable,
  asked: { shard: number; homeId: string | null; from: string | null },
): Promise<HomeRecord[]> {
  const { rows } = await db.query<HomeRow>(READ_HOMES, [asked.shard, asked.homeId, asked.from])
  return rows.map((row) => ({
    homeId: row.home_id,
    version: row.version,
    xid: row.xid,
    id: row.id,
    state: row.state,
    lastSignalId: row.last_signal_id,
    start: row.whole ? null : startOf(row),
    startMissing: !row.whole && row.start_version === null,
  }))
}

function startOf(row: HomeRow): HomeRecord['start'] {
  if (row.start_version === null) return null
  return {
    homeId: row.home_id,
    version: row.start_version,
    xid: row.start_xid,
    id: row.start_id,
    lastNow: row.start_now,
    state: row.start_state,
    facts: row.start_facts,
    signalId: row.start_signal_id,
  }
}

type Range = { homeId: string; after: number; upTo: number; limit: number }

/** What the home's fold was given besides the log, by version. */
export async function readRecordedInputs(db: Queryable, range: Range): Promise<RecordedInput[]> {
  const { rows } = await db.query<RecordedInput>({
    name: 'replay-inputs',
    text: `select home_id as "homeId", version, xid, id, now, body as input from home_input
           where home_id = $1 and version > $2 and version <= $3 order by version limit $4`,
    values: [range.homeId, range.after, range.upTo, range.limit],
  })
  return rows
}

export type RecordedSignal = { inputId: number; signal: Signal }

/** The signals that the home's fold gave, by their ids. */
export async function readRecordedSignals(db: Queryable, range: Range): Promise<RecordedSignal[]> {
  const { rows } = await db.query<RecordedSignal>({
    name: 'replay-signals',
    text: `select input_id as "inputId", body->'signal' as signal from incident_input
           where home_id = $1 and input_id > $2 and input_id <= $3 and body->>'type' = 'SignalReceived'
           order by input_id limit $4`,
    values: [range.homeId, range.after, range.upTo, range.limit],
  })
  return rows
}
