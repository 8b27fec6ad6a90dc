/** Wall clock in epoch ms and a monotonic one for durations inside this process. */
export type Clock = { now(): number; monotonicMs(): number }

/** The part of pino that rooms use. Never a name, a number or a text of a message: only ids, counts and codes. */
export type Log = {
  info(fields: Record<string, unknown>, message: string): void
  warn(fields: Record<string, unknown>, message: string): void
  error(fields: Record<string, unknown>, message: string): void
  debug(fields: Record<string, unknown>, message: string): void
}

/** Figures for `/metrics`; the names and their meaning stand in services/metrics.ts. Labels have few, closed values. */
export type Metrics = {
  count(name: string, by?: number, labels?: Record<string, string>): void
  gauge(name: string, value: number, labels?: Record<string, string>): void
  /** A duration or size into its histogram; durations in seconds. */
  observe(name: string, value: number, labels?: Record<string, string>): void
}

/**
 * A hint says "look now", never "this happened": the database is the truth, and losing every hint costs at most
 * the next sweep. `key` is what core/log-hint.ts makes for `log`, a home for `incident`, and empty for
 * `outbox`.
 */
export type HintTopic = 'log' | 'incident' | 'outbox'
export type Hints = {
  /** Not awaited, never throws; hints for a key that already waits fall together. */
  hint(topic: HintTopic, key: string): void
}
export type HintListener = (key: string) => Promise<void>

/** Something a page or a device should look at again; `ref` is an incident's or a device's id. */
export type Change = {
  xid: bigint
  id: number
  at: number
  kind: 'incident' | 'home' | 'device'
  homeId: string
  ref: string
}
export type ChangeFeed = {
  /** Called with changes in commit order; returns how to stop. The listener must not throw. */
  subscribe(listener: (changes: Change[]) => void): () => void
  /**
   * How long ago everything committed was known here, by the monotonic clock: it grows while the changes cannot be read
   * and while an open transaction hides some.
   */
  ageMs(): number
  close(): Promise<void>
}
