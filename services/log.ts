import pino from 'pino'
import type { Log } from './ports.ts'

/** Where a secret or a person's data could slip into a log by way of a whole object. */
const REDACTED = ['password', 'phone', 'to', 'from', 'body', 'name', 'token', 'authorization', 'cookie', 'url']

/** JSON lines on stdout; readable lines only on a terminal. */
export function createLog(options: { level: string; pretty: boolean }): Log & { flush(): void } {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: errorWithoutValues },
    redact: { paths: REDACTED.flatMap((key) => [key, `*.${key}`]), censor: '…' },
  }
  const logger = options.pretty
    ? pino({ ...settings, transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } } })
    : pino(settings, pino.destination({ fd: 1, sync: false }))
  return logger
}

/** A database error's `detail` and `parameters` quote the row, and rows are people: type, code, message and stack only. */
function errorWithoutValues(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error }
  const code = 'code' in error ? String(error.code) : undefined
  const cause = error.cause === undefined ? undefined : errorWithoutValues(error.cause)
  return { type: error.name, code, message: error.message, stack: error.stack, cause }
}
