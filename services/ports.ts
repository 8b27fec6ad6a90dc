/**
 * Every side effect the platform can have, on one page. Types only. Rooms under services/ are given these by
 * services/main.ts; services/store/ and the machine's own clock stand behind them.
 */

/** Wall clock in epoch ms and a monotonic one for durations inside this process. */
export type Clock = { now(): number; monotonicMs(): number }

/** The part of pino that rooms use. Never a name, a number or a text of a message: only ids, counts and codes. */
export type Log = {
  info(fields: Record<string, unknown>, message: string): void
  warn(fields: Record<string, unknown>, message: string): void
  error(fields: Record<string, unknown>, message: string): void
  debug(fields: Record<string, unknown>, message: string): void
}

/**
 * A hint says "look now", never "this happened": the database is the truth, and losing every hint costs at most
 * the next sweep. `key` is a shard for `log`, a home for `incident`, and empty for `outbox`.
 */
export type HintTopic = 'log' | 'incident' | 'outbox'
export type Hints = {
  /** Not awaited, never throws; hints for a key that already waits fall together. */
  hint(topic: HintTopic, key: string): void
}
export type HintListener = (key: string) => Promise<void>
