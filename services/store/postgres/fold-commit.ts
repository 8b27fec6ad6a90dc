import type { FoldCommit, RaisedInput, SavedHome } from '../../ports.ts'
import { int8Array, jsonArray, xid8Array } from './fold-arrays.ts'
import { float8Array } from './history-arrays.ts'
import { int2Array, int4Array, textArray } from './log-append-arrays.ts'
import { errorCode, type Queryable } from './pool.ts'

/** A compare-and-set missed (refuse_lost_race), or two workers waited for each other: who loses throws its work away. */
const LOST_RACE = new Set(['40001', '40P01'])

/** The reader whose cursors the rules move. */
export const RULES = 'rules'

/**
 * Everything of one pass in one autocommit statement, so that a frozen worker cannot hold it open. The cursors come
 * first and the rest waits for them, so that two workers on the same shards meet there and not in a deadlock.
 * Set-returning functions in the select list step together and need no tuplestore each, as they would in `from`.
 */
export const FOLD = `
  moved as (
    update log_cursor c
    set xid = v.xid, id = v.id, passed_at = to_timestamp(v.passed_ms / 1000), version = c.version + 1
    from unnest($2::smallint[], $3::int8[], $4::xid8[], $5::int8[], $6::float8[]) v(shard, version, xid, id, passed_ms)
    where c.reader = $1 and c.shard = v.shard and c.version = v.version
    returning 1
  ), given as materialized (
    select unnest($7::text[]) as home_id, unnest($8::smallint[]) as shard, unnest($9::int8[]) as read_version,
           unnest($10::int8[]) as version, unnest($11::xid8[]) as xid, unnest($12::int8[]) as id,
           unnest($13::float8[]) as last_now_ms, unnest($14::float8[]) as wake_ms,
           unnest($15::int8[]) as facts_version, unnest($16::int4[]) as clock_epoch, unnest($17::json[]) as state
    where (select count(*) from moved) = cardinality($2::smallint[])
  ), saved as (
    update home_state h
    set version = g.version, xid = g.xid, id = g.id, last_now = to_timestamp(g.last_now_ms / 1000),
        wake_at = to_timestamp(g.wake_ms / 1000), facts_version = g.facts_version, clock_epoch = g.clock_epoch,
        state = g.state
    from given g
    where g.read_version > 0 and h.home_id = g.home_id and h.version = g.read_version
    returning 1
  ), created as (
    insert into home_state (home_id, shard, version, xid, id, last_now, wake_at, facts_version, clock_epoch, state)
    select home_id, shard, version, xid, id, to_timestamp(last_now_ms / 1000), to_timestamp(wake_ms / 1000),
           facts_version, clock_epoch, state
    from given where read_version = 0
    on conflict do nothing
    returning 1
  ), told as (
    delete from home_facts_changed f using given g where f.home_id = g.home_id and f.version <= g.facts_version
  ), home_inputs as (
    insert into home_input (home_id, version, xid, id, now, body)
    select home_id, version, xid, id, to_timestamp(now_ms / 1000), body
    from unnest($18::text[], $19::int8[], $20::xid8[], $21::int8[], $22::float8[], $23::jsonb[])
      v(home_id, version, xid, id, now_ms, body)
  ), rejected_rows as (
    insert into log_rejection (home_id, xid, id, received_at, code)
    select home_id, xid, id, to_timestamp(received_ms / 1000), code
    from unnest($26::text[], $27::xid8[], $28::int8[], $29::float8[], $30::text[]) v(home_id, xid, id, received_ms, code)
  ), shown as (
    insert into change (kind, home_id, ref) select * from unnest($31::text[], $32::text[], $33::text[])
  )`
/** How many parameters that has, signals among them. */
export const FOLD_PARAMETERS = 33
export const FOLD_STANDS = `
  refuse_lost_race(
    (select count(*) from moved) + (select count(*) from saved) + (select count(*) from created),
    cardinality($2::smallint[]) + cardinality($7::text[]))`

const COMMIT = `
  with ${FOLD}, signalled as (
    insert into incident_input (home_id, body)
    select home_id, body from unnest($24::text[], $25::jsonb[]) with ordinality v(home_id, body, nth) order by nth
    returning input_id
  )
  select ${FOLD_STANDS},
    -- In the order in which they were given.
    (select array_agg(input_id order by input_id) from signalled) as "inputIds"`

/** @returns null when another worker was first; then nothing was written */
export async function commitFold(db: Queryable, reader: string, commit: FoldCommit): Promise<RaisedInput[] | null> {
  try {
    const { rows } = await db.query<{ inputIds: string[] | null }>({
      name: 'fold-commit',
      text: COMMIT,
      values: foldValues(reader, commit),
    })
    const inputIds = rows[0]?.inputIds ?? []
    return commit.signals.map(({ homeId, signal }, nth) => ({ homeId, inputId: String(inputIds[nth]), signal }))
  } catch (cause) {
    if (LOST_RACE.has(errorCode(cause))) return null
    throw new Error('commit the fold', { cause })
  }
}

/** Of `FOLD` and what stands beside it. */
export function foldValues(reader: string, commit: FoldCommit): unknown[] {
  const cursors = commit.cursors.toSorted((a, b) => a.shard - b.shard)
  const homes = commit.homes.toSorted((a, b) => (a.homeId < b.homeId ? -1 : 1))
  const { inputs, signals, rejections, changes } = commit
  return [
    reader,
    cursors.map((cursor) => cursor.shard),
    cursors.map((cursor) => cursor.version),
    cursors.map((cursor) => cursor.xid),
    cursors.map((cursor) => cursor.id),
    cursors.map((cursor) => cursor.passedAtMs),
    ...homeValues(homes),
    inputs.map((input) => input.homeId),
    inputs.map((input) => input.version),
    inputs.map((input) => input.xid),
    inputs.map((input) => input.id),
    inputs.map((input) => input.now),
    inputs.map((input) => JSON.stringify(input.input)),
    signals.map((signal) => signal.homeId),
    signals.map(({ signal }) => JSON.stringify({ type: 'SignalReceived', signal })),
    rejections.map((rejection) => rejection.homeId),
    rejections.map((rejection) => rejection.xid),
    rejections.map((rejection) => rejection.id),
    rejections.map((rejection) => rejection.receivedAt),
    rejections.map((rejection) => rejection.code),
    changes.map((change) => change.kind),
    changes.map((change) => change.homeId),
    changes.map((change) => change.ref),
  ]
}

function homeValues(homes: readonly SavedHome[]): Buffer[] {
  return [
    textArray(homes, (home) => home.homeId),
    int2Array(homes, (home) => home.shard),
    int8Array(homes, (home) => home.readVersion),
    int8Array(homes, (home) => home.version),
    xid8Array(homes, (home) => home.xid),
    int8Array(homes, (home) => home.id),
    float8Array(homes, (home) => home.lastNow),
    float8Array(homes, (home) => home.wakeAt ?? undefined),
    int8Array(homes, (home) => home.factsVersion),
    int4Array(homes, (home) => home.clockEpoch),
    jsonArray(homes, (home) => home.stateJson),
  ]
}
