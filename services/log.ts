import pino from 'pino'
import type { Log } from './ports.ts'

/** Where a secret or a person's data could slip into a log by way of a whole object. */
const REDACTED = ['password', 'phone', 'to', 'from', 'body', 'name', 'token', 'authorization', 'cookie', 'url']
/** Causes of causes; what lies deeper is left out. */
const CAUSES = 3
/** SQLSTATE classes whose messages quote what was written: data exceptions, broken constraints, our own triggers. */
const QUOTING_CLASSES = ['22', '23', 'P0']
/**
 * What a message quotes (from the first quote to the last, for what is quoted may hold quotes), an address with what it
 * carries, a number as long as a phone's.
 */
const VALUES = /".*"|'.*'|“.*”|\b[a-z]+:\/\/\S+|\+?\d[\d -]{5,}\d/gs

/** JSON lines on stdout; readable lines only on a terminal. @param destination another place to write to */
export function createLog(
  options: { level: string; pretty: boolean },
  destination: pino.DestinationStream = pino.destination({ fd: 1, sync: false }),
): Log & { flush(): void } {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { log: withoutValues },
    // Pino's own would take an error that is told already for a plain object.
    serializers: { err: (told: unknown) => told },
    redact: { paths: REDACTED.flatMap((key) => [key, `*.${key}`]), censor: '…' },
  }
  return options.pretty
    ? pino({ ...settings, transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } } })
    : pino(settings, destination)
}

/** Whatever name an error stands under. */
function withoutValues(fields: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(fields).map(([key, value]) => [
    key,
    value instanceof Error ? errorWithoutValues(value, CAUSES) : value,
  ])
  return Object.fromEntries(entries)
}

/** Errors carry rows, requests and answers with them, and rows are people: only what says where and why is kept. */
function errorWithoutValues(error: Error, causes: number): Record<string, unknown> {
  const code = 'code' in error ? String(error.code) : undefined
  const ofDatabase = 'severity' in error && QUOTING_CLASSES.some((start) => code?.startsWith(start))
  const quotes = ofDatabase || error instanceof SyntaxError
  return {
    type: error.name,
    code,
    message: quotes ? 'not shown: it quotes what was written' : error.message.replace(VALUES, '…'),
    stack: error.stack?.match(/^\s+at .*$/gm)?.join('\n'),
    cause: error.cause instanceof Error && causes > 0 ? errorWithoutValues(error.cause, causes - 1) : undefined,
  }
}
