import Type from 'typebox'
import type { StoredMessage } from '../../ports.ts'
import { ApiProblem } from '../errors.ts'
import { iso } from '../json.ts'
import {
  Field,
  HomeParams,
  listOf,
  nullable,
  oneOf,
  PAGE_DEFAULT,
  PageQuery,
  Text,
  Time,
  TimeZone,
} from '../schemas.ts'
import type { Api, ApiDeps } from '../server-types.ts'
import { scopeFor } from '../session.ts'
import { isTimeZone } from '../time-zone.ts'

/** What was stored and what was measured. */

const DAY_MS = 86_400_000
/** The log is read row by row; who needs more asks day by day. */
const MESSAGES_MAX_MS = 7 * DAY_MS
/** A year in windows of a day is a page; every reading of a year is not. */
const HISTORY_MAX_MS = 400 * DAY_MS
const POINTS_MAX = 5_000
const WINDOWS = { minute: 60_000, 'five-minutes': 300_000, hour: 3_600_000, day: DAY_MS } as const
type WindowName = keyof typeof WINDOWS

const StoredMessageOut = Type.Object({
  receivedAt: Time,
  account: Type.String(),
  topic: Type.String(),
  payload: nullable(Type.String({ description: 'null where it is no text' })),
  payloadBase64: nullable(Type.String()),
  qos: Type.Integer(),
  dup: Type.Boolean(),
  retain: Type.Boolean(),
  rejected: nullable(
    Type.String({
      description: 'why it, or a part of it, could not be read; id-reused: read, under the id of an earlier event',
    }),
  ),
})
const HistoryQuery = Type.Object({
  deviceId: Text,
  field: Field,
  from: Time,
  to: Time,
  window: Type.Optional(oneOf(Object.keys(WINDOWS) as WindowName[])),
  aggregate: Type.Optional(oneOf(['mean', 'min', 'max', 'last', 'count'] as const)),
  tz: Type.Optional(TimeZone),
})
const HistoryOut = Type.Object({
  items: Type.Array(Type.Object({ at: Time, value: Type.Number() })),
  nextCursor: nullable(Type.String({ description: 'the `from` of the next page' })),
  behindMs: Type.Number({ description: 'how much of the newest time is not there yet' }),
})

export function recordRoutes(app: Api, deps: ApiDeps): void {
  app.get(
    '/homes/:id/observations',
    {
      schema: {
        tags: ['records'],
        summary: 'What was stored, oldest first, the rejected with their reason; at most 7 days at once',
        params: HomeParams,
        querystring: Type.Object({ ...PageQuery, from: Type.Optional(Time), to: Type.Optional(Time) }),
        response: { 200: listOf(StoredMessageOut) },
      },
      config: { right: 'read-measurements' },
    },
    async (request) => {
      const { from, to, limit, cursor } = request.query
      const toMs = to === undefined ? deps.clock.now() : Date.parse(to)
      const time = { fromMs: from === undefined ? toMs - DAY_MS : Date.parse(from), toMs }
      refuseRange(time, MESSAGES_MAX_MS)
      const page = { limit: limit ?? PAGE_DEFAULT, cursor: cursor ?? null }
      const list = await deps.store.messages.list(scopeFor(request), request.params.id, time, page)
      if (!list) throw new ApiProblem('not-found')
      return { items: list.items.map(messageJson), nextCursor: list.nextCursor }
    },
  )
  historyRoute(app, deps)
}

function historyRoute(app: Api, deps: ApiDeps): void {
  app.get(
    '/homes/:id/history',
    {
      schema: {
        tags: ['records'],
        summary: 'Measurements, as they are or by window; windows begin at midnight of `tz`',
        params: HomeParams,
        querystring: HistoryQuery,
        response: { 200: HistoryOut },
      },
      config: { right: 'read-measurements' },
    },
    async (request) => {
      const { deviceId, field, from, to, window, aggregate = 'mean', tz } = request.query
      const scope = scopeFor(request)
      const homeId = request.params.id
      const time = { fromMs: Date.parse(from), toMs: Date.parse(to) }
      refuseRange(time, HISTORY_MAX_MS)
      const timeZone = tz ?? 'Asia/Shanghai'
      if (!isTimeZone(timeZone)) throw new ApiProblem('invalid-field', { field: 'tz' })
      if (!(await deps.store.messages.beginHistory(scope, homeId, { deviceId, field }))) {
        throw new ApiProblem('not-found')
      }
      const windowMs = window === undefined ? null : WINDOWS[window]
      const asked = { homeId, deviceId, field, ...time, windowMs, aggregate, timeZone, limit: POINTS_MAX + 1 }
      const { points, behindMs } = await deps.history.read(asked).catch((err) => {
        deps.log.warn({ err, homeId, deviceId }, 'the history could not be read')
        throw new ApiProblem('history-away')
      })
      const next = points[POINTS_MAX]
      return {
        items: points.slice(0, POINTS_MAX).map(({ atMs, value }) => ({ at: iso(atMs), value })),
        nextCursor: next ? iso(next.atMs) : null,
        behindMs,
      }
    },
  )
}

function refuseRange({ fromMs, toMs }: { fromMs: number; toMs: number }, maxMs: number): void {
  if (fromMs > toMs) throw new ApiProblem('invalid-field', { field: 'from', detail: 'after `to`' })
  if (toMs - fromMs > maxMs) {
    throw new ApiProblem('invalid-field', { field: 'from', detail: `more than ${maxMs / DAY_MS} days before \`to\`` })
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function messageJson({ receivedAt, payload, ...message }: StoredMessage) {
  let text: string | null = null
  try {
    text = utf8.decode(payload)
  } catch {
    // Not text: given as it came.
  }
  return {
    receivedAt: iso(receivedAt),
    payload: text,
    payloadBase64: text === null ? Buffer.from(payload).toString('base64') : null,
    ...message,
  }
}
