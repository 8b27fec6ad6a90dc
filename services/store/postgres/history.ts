import { MEASUREMENT_FIELDS } from '../../../devices/observation.ts'
import type { AppendAndFinish, HistoryErrorCode, HistoryStore, MeasuredPoint } from '../../ports.ts'
import { float8Array } from './history-arrays.ts'
import { cursorValues, MOVED_CURSORS } from './history-cursors.ts'
import { ensureHistoryPartitions, type KnownMonths } from './history-partitions.ts'
import { columnOf, readHistory, readLast } from './history-read.ts'
import { int4Array, textArray } from './log-append-arrays.ts'
import { type Database, errorCode, type Queryable } from './pool.ts'

/** Who reads the log waits for the oldest open writing transaction: many short statements, and no long one. */
const POINTS_PER_STATEMENT = 500

const UNIQUE_VIOLATION = '23505'
/**
 * Where a point was there already, so many of the next batches have each point looked up before it is written, twice as
 * many each time it happens again: repeats come in bursts, and of a device that never stops repeating itself every
 * batch would be written twice.
 */
const CAREFUL_BATCHES = { least: 16, most: 1_024 }

const COLUMNS = MEASUREMENT_FIELDS.map(columnOf)
/** Of a field that nobody in the batch has measured: a set that ends before the others goes on as null, unasked. */
const NO_VALUES = float8Array([], () => undefined)

/**
 * Takes what `columnsOf` gives, from parameter `$first` on. Set-returning functions in the select list step together and
 * need no tuplestore each, as they would in `from`.
 */
const insertPoints = (first: number, rest: string) => `
  insert into reading (home_id, device_id, device_kind, at, sequence, ${COLUMNS.join(', ')})
  select unnest($${first}::text[]), unnest($${first + 1}::text[]), unnest($${first + 2}::text[]),
         to_timestamp(unnest($${first + 3}::float8[]) / 1000), unnest($${first + 4}::int4[]),
         ${COLUMNS.map((_, index) => `unnest($${first + 5 + index}::float8[])`).join(', ')}
  ${rest}`

const UNLESS_THERE = 'on conflict do nothing'

const APPEND = insertPoints(1, UNLESS_THERE)

const appendAndFinishText = (whereThere: string) => `
  with done as (
    update history_batch set version = version + 1 where version = $1 and batch_zstd is null returning 1
  ), moved as (${MOVED_CURSORS}
  ), added as (${insertPoints(6, `from done ${whereThere}`)}
  )
  select 1 from done`

/** Fails where a point is there already. To look for it first costs half as much again: a second way down the index. */
const ALL_NEW = { name: 'history-append-and-finish', text: appendAndFinishText('') }
const SOME_THERE = { name: 'history-append-and-finish-careful', text: appendAndFinishText(UNLESS_THERE) }

/** History in the system of record: a row per point. */
export function createPostgresHistory(pool: Database): HistoryStore & { appendAndFinish: AppendAndFinish } {
  const months: KnownMonths = new Set()
  const finishBatch = createFinishBatch(pool)
  return {
    async appendAndFinish(version, { points, cursors }) {
      try {
        await ensureHistoryPartitions(
          pool,
          months,
          points.map((point) => point.atMs),
        )
        return await finishBatch([version, ...cursorValues(cursors), ...columnsOf(points)])
      } catch (cause) {
        throw new HistoryAppendError(codeOf(cause), cause)
      }
    },
    async append(points) {
      try {
        await ensureHistoryPartitions(
          pool,
          months,
          points.map((point) => point.atMs),
        )
        for (let start = 0; start < points.length; start += POINTS_PER_STATEMENT) {
          const values = columnsOf(points.slice(start, start + POINTS_PER_STATEMENT))
          await pool.query({ name: 'history-append', text: APPEND, values })
        }
      } catch (cause) {
        throw new HistoryAppendError(codeOf(cause), cause)
      }
    },
    read: (asked) => readHistory(pool, asked),
    last: (asked) => readLast(pool, asked),
  }
}

/** One autocommit statement: what failed has changed nothing and may go again. Answers whether the version stood. */
function createFinishBatch(pool: Database): (values: unknown[]) => Promise<boolean> {
  let careful = 0
  let nextCareful = CAREFUL_BATCHES.least

  async function finish(client: Queryable, values: unknown[]): Promise<number | null> {
    if (careful > 0) {
      careful -= 1
      return (await client.query({ ...SOME_THERE, values })).rowCount
    }
    try {
      const { rowCount } = await client.query({ ...ALL_NEW, values })
      nextCareful = CAREFUL_BATCHES.least
      return rowCount
    } catch (error) {
      if (errorCode(error) !== UNIQUE_VIOLATION) throw error
      careful = nextCareful
      nextCareful = Math.min(nextCareful * 2, CAREFUL_BATCHES.most)
      return (await client.query({ ...SOME_THERE, values })).rowCount
    }
  }

  return async (values) => {
    // Not by `pool.query`, which gives up the connection after any error: a point that was there is no fault of it.
    const client = await pool.connect()
    let failure: Error | undefined
    try {
      return (await finish(client, values)) === 1
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error))
      throw error
    } finally {
      client.release(failure)
    }
  }
}

class HistoryAppendError extends Error {
  readonly code: HistoryErrorCode
  constructor(code: HistoryErrorCode, cause: unknown) {
    const reason = code === 'refused' && cause instanceof Error ? `: ${cause.message}` : ''
    super(`append to the history in PostgreSQL${reason}`, { cause })
    this.code = code
  }
}

function codeOf(error: unknown): HistoryErrorCode {
  const state = errorCode(error)
  // Class 22: the value itself is wrong. 53: disk full, out of memory, too many connections.
  if (/^22...$/.test(state)) return 'refused'
  return /^53[12]..$/.test(state) ? 'capacity' : 'unavailable'
}

/** Home by home, for the index has a home's points side by side; those of one home stay in their order. */
function columnsOf(points: readonly MeasuredPoint[]): Buffer[] {
  const rows = [...Map.groupBy(points, (point) => point.homeId).values()].flat()
  return [
    textArray(rows, (point) => point.homeId),
    textArray(rows, (point) => point.deviceId),
    textArray(rows, (point) => point.deviceKind),
    float8Array(rows, (point) => point.atMs),
    int4Array(rows, (point) => point.sequence),
    ...MEASUREMENT_FIELDS.map((field) =>
      rows.some((point) => point.values[field] !== undefined)
        ? float8Array(rows, (point) => point.values[field])
        : NO_VALUES,
    ),
  ]
}
