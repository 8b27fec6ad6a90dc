import { MEASUREMENT_FIELDS } from '../../../devices/observation.ts'
import type { HistoryErrorCode, HistoryStore, MeasuredPoint } from '../../ports.ts'
import { float8Array } from './history-arrays.ts'
import { ensureHistoryPartitions, type KnownMonths } from './history-partitions.ts'
import { columnOf, readHistory, readLast } from './history-read.ts'
import { int4Array, textArray } from './log-append-arrays.ts'
import { type Database, errorCode } from './pool.ts'

/** Every alarm waits for the oldest open writing transaction, so an append is many short statements and no long one. */
const POINTS_PER_STATEMENT = 500

const COLUMNS = MEASUREMENT_FIELDS.map(columnOf)
const FIRST_FIELD = 6
const APPEND = `
  insert into reading (home_id, device_id, device_kind, at, sequence, ${COLUMNS.join(', ')})
  select home_id, device_id, device_kind, to_timestamp(at_ms / 1000), sequence, ${COLUMNS.join(', ')}
  from unnest($1::text[], $2::text[], $3::text[], $4::float8[], $5::int4[],
              ${COLUMNS.map((_, index) => `$${FIRST_FIELD + index}::float8[]`).join(', ')})
    v(home_id, device_id, device_kind, at_ms, sequence, ${COLUMNS.join(', ')})
  on conflict do nothing`

/** History in the system of record: a row per point. */
export function createPostgresHistory(pool: Database): HistoryStore {
  const months: KnownMonths = new Set()
  return {
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

function columnsOf(points: readonly MeasuredPoint[]): Buffer[] {
  return [
    textArray(points, (point) => point.homeId),
    textArray(points, (point) => point.deviceId),
    textArray(points, (point) => point.deviceKind),
    float8Array(points, (point) => point.atMs),
    int4Array(points, (point) => point.sequence),
    ...MEASUREMENT_FIELDS.map((field) => float8Array(points, (point) => point.values[field])),
  ]
}
