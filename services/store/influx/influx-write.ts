import { HttpError } from '@influxdata/influxdb-client'
import { MEASUREMENT_FIELDS } from '../../../devices/observation.ts'
import type { HistoryErrorCode, MeasuredPoint } from '../../ports.ts'
import type { InfluxClient } from './influx-client.ts'

/** Every kind of device in one measurement: a device is found by its id alone, and stays one series in a chart. */
export const MEASUREMENT = 'reading'
const REASON_LENGTH = 500
const CONFIRMED = 204
/** What InfluxDB quotes of our own lines: readings of people, which belong into no log. */
const QUOTED_LINE = new RegExp(`${MEASUREMENT},\\S+ \\S+( \\d+)?`, 'g')

/** Names that take the place of ids: letters, digits, `-` and `_`, so that they need no escaping. */
export type TagNames = { home(homeId: string): string; device(homeId: string, deviceId: string): string }

class InfluxWriteError extends Error {
  readonly code: HistoryErrorCode
  readonly retryAfterMs: number | null
  constructor(code: HistoryErrorCode, said: string, options: { cause?: unknown; retryAfterMs?: number | null } = {}) {
    super(`write to InfluxDB: ${said.replace(QUOTED_LINE, '…').slice(0, REASON_LENGTH)}`, { cause: options.cause })
    this.code = code
    this.retryAfterMs = options.retryAfterMs ?? null
  }
}

/** Only status 204 confirms. @throws with the code that says what to do next */
export async function writePoints(
  client: InfluxClient,
  names: TagNames,
  points: readonly MeasuredPoint[],
): Promise<void> {
  if (points.length === 0) return
  const answer = await send(client, points.map((point) => lineOf(names, point)).join('\n'))
  if (answer === 'stored') return
  if (points.length === 1) throw new InfluxWriteError('refused', 'a single point is too large')
  const middle = Math.ceil(points.length / 2)
  await writePoints(client, names, points.slice(0, middle))
  await writePoints(client, names, points.slice(middle))
}

async function send(client: InfluxClient, lines: string): Promise<'stored' | 'too-large'> {
  let status: number
  try {
    status = await client.write(lines)
  } catch (error) {
    if (!(error instanceof HttpError)) {
      throw new InfluxWriteError('unavailable', error instanceof Error ? error.message : 'no answer', { cause: error })
    }
    return judge(error)
  }
  if (status === CONFIRMED) return 'stored'
  throw new InfluxWriteError('unavailable', `answered ${status}, which confirms nothing`)
}

function judge(error: HttpError): 'stored' | 'too-large' {
  const said = `${error.statusCode} ${error.body || error.message}`
  const fail = (code: HistoryErrorCode) => new InfluxWriteError(code, said, { retryAfterMs: retryAfterMs(error) })
  switch (error.statusCode) {
    case 413:
      return 'too-large'
    case 401:
    case 403:
    case 404:
      throw fail('denied')
    case 400:
    case 422:
      // Limits of the whole store: setting points aside would eat the data of everybody behind the limit.
      if (/max-values-per-tag|max-series|exceed/i.test(said)) throw fail('capacity')
      // Older than what the store keeps: it has stored the others, and would have deleted these by now.
      if (/partial write: points beyond retention policy/i.test(said)) return 'stored'
      throw fail('refused')
    default:
      throw fail('unavailable')
  }
}

/** The header counts in seconds, or names a time. */
function retryAfterMs(error: HttpError): number | null {
  const header = error.headers?.['retry-after']
  const text = Array.isArray(header) ? header[0] : header
  if (text === undefined) return null
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isFinite(ms) ? Math.max(ms, 0) : null
}

/** Every value as a float: a field that came as an integer first would refuse fractions ever after. */
function lineOf(names: TagNames, point: MeasuredPoint): string {
  const { homeId, deviceId, deviceKind, atMs, sequence, values } = point
  const fields: string[] = []
  for (const field of MEASUREMENT_FIELDS) {
    const value = values[field]
    if (value !== undefined) fields.push(`${field}=${value}`)
  }
  const tags = `home=${names.home(homeId)},device=${names.device(homeId, deviceId)},kind=${deviceKind}`
  // Nanoseconds as text, for they are beyond 2^53: the ms, and the sequence as the six digits behind them.
  return `${MEASUREMENT},${tags} ${fields.join(',')} ${atMs}${String(sequence).padStart(6, '0')}`
}
