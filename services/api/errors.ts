import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../ports.ts'
import { SECURITY_HEADERS } from './security-headers.ts'

/** Every code a client can meet, with its status and what it means. Codes are stable; add, never rename. */
export const PROBLEMS = {
  'invalid-field': { status: 400, title: 'A field is missing or wrong' },
  'invalid-body': { status: 400, title: 'The body cannot be read' },
  'invalid-request': { status: 400, title: 'The request cannot be read' },
  'not-signed-in': { status: 401, title: 'Sign in first' },
  'wrong-login': { status: 401, title: 'Login or password is wrong' },
  'cross-site': { status: 403, title: 'The request does not come from our own page' },
  'not-permitted': { status: 403, title: 'Your role does not permit this' },
  'not-signed-by-provider': { status: 403, title: 'The signature is missing or wrong' },
  'not-found': { status: 404, title: 'There is no such thing, or it is not yours to see' },
  'method-not-allowed': { status: 405, title: 'This address does not take that method' },
  'too-slow': { status: 408, title: 'The request did not come in whole in time' },
  'address-taken': { status: 409, title: 'Another device behind this gateway has this address' },
  'already-exists': { status: 409, title: 'There is one of that id already' },
  'already-resolved': { status: 409, title: 'The incident is over' },
  'already-taken': { status: 409, title: 'Another person has it' },
  'last-admin': { status: 409, title: 'Somebody has to remain administrator' },
  'login-taken': { status: 409, title: 'Another user has this login' },
  'not-taken': { status: 409, title: 'Nobody has the incident yet' },
  'not-the-taker': { status: 409, title: 'Another person has the incident' },
  'too-many': { status: 409, title: 'There are as many as there may be' },
  'too-large': { status: 413, title: 'The body is too large' },
  'wrong-media-type': { status: 415, title: 'Send application/json' },
  'address-of-convention': {
    status: 422,
    title: 'A device has an address where its convention is another than the native one, and only there',
  },
  'membership-twice': { status: 422, title: 'A home or grid cell is named twice' },
  'person-not-seen': { status: 422, title: 'To close it, somebody must have seen or heard the person' },
  'unknown-gateway': { status: 422, title: 'The home has no such gateway' },
  'unknown-grid-cell': { status: 422, title: 'There is no such grid cell' },
  'unknown-membership': { status: 422, title: 'There is no such home, contact or grid cell' },
  'unknown-person': { status: 422, title: 'This person cannot take over incidents of this home' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  'too-many-requests': { status: 429, title: 'Too many requests; wait a little' },
  'too-many-streams': { status: 429, title: 'Too many open streams' },
  'too-soon': { status: 429, title: 'This was done less than a minute ago' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  'history-away': { status: 503, title: 'The history cannot be read at the moment' },
  unavailable: { status: 503, title: 'The platform cannot answer at the moment' },
} as const
export type ProblemCode = keyof typeof PROBLEMS

/** `field` is a path such as `contacts.0.phone`; `retryAfterS` becomes a header; the rest goes into the answer as it is. */
export type ProblemMore = { field?: string; detail?: string; retryAfterS?: number } & Record<string, unknown>

const RETRY_AFTER_S: Record<number, number> = { 429: 60, 503: 5 }

/** Thrown where a request cannot be answered as asked; the one error handler turns it into problem+json. */
export class ApiProblem extends Error {
  readonly code: ProblemCode
  readonly more: ProblemMore
  constructor(code: ProblemCode, more: ProblemMore = {}) {
    super(code)
    this.code = code
    this.more = more
  }
}

/** What Fastify itself refuses, by its codes. */
const FASTIFY_CODES: Record<string, ProblemCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'wrong-media-type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid-body',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid-body',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid-body',
  FST_ERR_BAD_URL: 'not-found',
  FST_ERR_MAX_PARAM_LENGTH: 'not-found',
}

export function createErrorHandler(log: Log) {
  return (error: FastifyError | ApiProblem, request: FastifyRequest, reply: FastifyReply) => {
    const { code, more } = problemOf(error)
    if (PROBLEMS[code].status >= 500) {
      // The route's pattern, never the address itself: that may hold a token.
      log.error({ err: error, route: request.routeOptions.url ?? 'none', method: request.method }, 'request failed')
    }
    return sendProblem(reply, code, more)
  }
}

export function sendProblem(reply: FastifyReply, code: ProblemCode, more: ProblemMore = {}) {
  const { status } = PROBLEMS[code]
  const { retryAfterS = RETRY_AFTER_S[status], ...rest } = more
  if (retryAfterS !== undefined) reply.header('retry-after', String(retryAfterS))
  // Already text: whatever schema the route has for its answers, a problem is a problem.
  return reply
    .code(status)
    .header('content-type', PROBLEM_TYPE)
    .header('cache-control', 'no-store')
    .serializer((payload: unknown) => String(payload))
    .send(problemText(code, rest))
}

function problemText(code: ProblemCode, more: Record<string, unknown> = {}): string {
  const { status, title } = PROBLEMS[code]
  return JSON.stringify({ type: 'about:blank', title, status, code, ...more })
}

/** What never became a request, by Node's codes: too long a header, too slow, or no HTTP at all. */
export function answerUnreadable(error: { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return void socket.destroy()
  const code = UNREADABLE[error.code ?? ''] ?? 'invalid-request'
  const { status } = PROBLEMS[code]
  const body = problemText(code)
  const headers = {
    ...SECURITY_HEADERS,
    'cache-control': 'no-store',
    'content-type': PROBLEM_TYPE,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`)
}

const UNREADABLE: Record<string, ProblemCode> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'too-slow',
}
const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

/** SQLSTATEs and the system's codes of a database that is away, starting, ending, full, or does not answer in time. */
const AWAY_CODES = /^(08|57|53|25P0[234]|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN)/
/** The driver's own, which have no code. */
const AWAY_WORDS =
  /^(Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client .* is not queryable$)/

function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('code' in error && typeof error.code === 'string' && AWAY_CODES.test(error.code)) return true
  return AWAY_WORDS.test(error.message) || isAway(error.cause)
}

function problemOf(error: FastifyError | ApiProblem): { code: ProblemCode; more: ProblemMore } {
  if (error instanceof ApiProblem) return error
  if (error.validation) return { code: 'invalid-field', more: fieldAtFault(error) }
  const known = FASTIFY_CODES[error.code]
  if (known) return { code: known, more: {} }
  const { statusCode } = error
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return { code: 'invalid-body', more: {} }
  return { code: isAway(error) ? 'unavailable' : 'internal', more: {} }
}

function fieldAtFault(error: FastifyError): ProblemMore {
  const first = error.validation?.[0]
  if (!first) return {}
  const params = first.params as { requiredProperties?: string[]; additionalProperties?: string[] } | undefined
  const inside = params?.requiredProperties?.[0] ?? params?.additionalProperties?.[0]
  const path = [...first.instancePath.split('/').slice(1), ...(inside === undefined ? [] : [inside])]
  const field = path.length > 0 ? path.join('.') : (error.validationContext ?? 'body')
  return { field, detail: first.message ?? 'is wrong' }
}
