import type { MeasurementField } from '../../../devices/observation.ts'
import type { HistoryAggregate, HistoryAsked, HistoryPoint, LastAsked } from '../../ports.ts'
import type { InfluxClient, InfluxRows } from './influx-client.ts'
import { MEASUREMENT, type TagNames } from './influx-write.ts'

const AGGREGATES: Readonly<Record<HistoryAggregate, string>> = {
  mean: 'mean',
  min: 'min',
  max: 'max',
  last: 'last',
  count: 'count',
}
const TIME_ZONE = /^[A-Za-z0-9_+\-/]{1,64}$/

export async function queryHistory(
  client: InfluxClient,
  names: TagNames,
  asked: HistoryAsked,
): Promise<HistoryPoint[]> {
  const { homeId, deviceId, field, fromMs, toMs, windowMs, aggregate, timeZone, limit } = asked
  // A time zone is no value and cannot go as a parameter.
  if (!TIME_ZONE.test(timeZone)) throw new Error('query history: no time zone has such a name')
  const value = windowMs === null ? `"${field}"` : `${AGGREGATES[aggregate]}("${field}")`
  const windows = windowMs === null ? '' : `GROUP BY time(${Math.trunc(windowMs)}ms) fill(none)`
  const [rows = []] = await client.query(
    `SELECT ${value} AS value FROM ${MEASUREMENT} WHERE home = $home AND device = $device
       AND time >= ${Math.ceil(fromMs)}ms AND time < ${Math.ceil(toMs)}ms
       ${windows} LIMIT ${Math.trunc(limit)} ${windowMs === null ? '' : `tz('${timeZone}')`}`,
    { home: names.home(homeId), device: names.device(homeId, deviceId) },
  )
  return toPoints(rows)
}

/** A statement for each field: `last(a), last(b)` in one would lose the times. */
export async function queryLast(
  client: InfluxClient,
  names: TagNames,
  { homeId, deviceId, fields, sinceMs }: LastAsked,
): Promise<Partial<Record<MeasurementField, HistoryPoint>>> {
  const found: Partial<Record<MeasurementField, HistoryPoint>> = {}
  if (fields.length === 0) return found
  const statements = fields.map(
    (field) => `SELECT "${field}" AS value FROM ${MEASUREMENT} WHERE home = $home AND device = $device
      AND time >= ${Math.ceil(sinceMs)}ms ORDER BY time DESC LIMIT 1`,
  )
  const results = await client.query(statements.join('; '), {
    home: names.home(homeId),
    device: names.device(homeId, deviceId),
  })
  fields.forEach((field, index) => {
    const [point] = toPoints(results[index] ?? [])
    if (point !== undefined) found[field] = point
  })
  return found
}

function toPoints(rows: InfluxRows): HistoryPoint[] {
  return rows.flatMap(([atMs, value]) =>
    typeof atMs === 'number' && typeof value === 'number' ? [{ atMs, value }] : [],
  )
}
