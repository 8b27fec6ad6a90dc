import type { MeasurementField } from '../../../devices/observation.ts'
import type { HistoryAggregate, HistoryAsked, HistoryPoint, LastAsked } from '../../ports.ts'
import type { Queryable } from './pool.ts'

const HOUR_MS = 3_600_000

const AGGREGATES: Readonly<Record<HistoryAggregate, string>> = {
  mean: 'avg(value)',
  min: 'min(value)',
  max: 'max(value)',
  last: '(array_agg(value order by at desc, sequence desc))[1]',
  count: 'count(value)',
}

/** Field names are a closed list, so the column may stand in the text of a query. */
export function columnOf(field: MeasurementField): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

export async function readHistory(db: Queryable, asked: HistoryAsked): Promise<HistoryPoint[]> {
  const { homeId, deviceId, field, fromMs, toMs, windowMs, aggregate, timeZone, limit } = asked
  const values = [homeId, deviceId, fromMs, toMs, limit]
  const text = windowMs === null ? readRaw(field) : readWindows(field, windowMs, aggregate)
  if (windowMs !== null) values.push(timeZone, windowMs)
  const { rows } = await db.query<{ at_ms: number; value: number }>(text, values)
  return rows.map((row) => ({ atMs: row.at_ms, value: row.value }))
}

/** Months outside of the range are left out when the query starts. */
const RANGE = `home_id = $1 and device_id = $2
  and at >= to_timestamp($3::float8 / 1000) and at < to_timestamp($4::float8 / 1000)`

function readRaw(field: MeasurementField): string {
  const column = columnOf(field)
  return `select (extract(epoch from at) * 1000)::int8 as at_ms, ${column} as value from reading
    where ${RANGE} and ${column} is not null order by at, sequence limit $5`
}

/**
 * Windows follow the clock on the wall, as InfluxQL's tz() does: in the night of the change a day has 23 or 25 hours.
 * Up to an hour they follow the time that passes instead, or the hour that comes twice would fall into one.
 */
function readWindows(field: MeasurementField, windowMs: number, aggregate: HistoryAggregate): string {
  const column = columnOf(field)
  const begin = "date_bin($7::float8 * interval '1 millisecond', at at time zone $6, timestamp '1970-01-01')"
  const start = windowMs <= HOUR_MS ? `at - ((at at time zone $6) - ${begin})` : `(${begin}) at time zone $6`
  return `select (extract(epoch from start) * 1000)::int8 as at_ms, ${AGGREGATES[aggregate]}::float8 as value
    from (
      select ${start} as start, at, sequence, ${column} as value from reading where ${RANGE} and ${column} is not null
    ) r
    group by start order by start limit $5`
}

/** Each field may have come at another moment, so each is looked for by itself. */
export async function readLast(
  db: Queryable,
  asked: LastAsked,
): Promise<Partial<Record<MeasurementField, HistoryPoint>>> {
  const found: Partial<Record<MeasurementField, HistoryPoint>> = {}
  if (asked.fields.length === 0) return found
  const parts = asked.fields.map((field) => {
    const column = columnOf(field)
    return `(select '${field}' as field, (extract(epoch from at) * 1000)::int8 as at_ms, ${column} as value from reading
      where home_id = $1 and device_id = $2 and at >= to_timestamp($3::float8 / 1000) and ${column} is not null
      order by at desc, sequence desc limit 1)`
  })
  const { rows } = await db.query<{ field: MeasurementField; at_ms: number; value: number }>(
    parts.join(' union all '),
    [asked.homeId, asked.deviceId, asked.sinceMs],
  )
  for (const row of rows) found[row.field] = { atMs: row.at_ms, value: row.value }
  return found
}
