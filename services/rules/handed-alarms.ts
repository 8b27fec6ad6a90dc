/** The hint of what was handed over comes with it. One that has not come by then never will, and is not waited for. */
const HINTED_WITHIN_MS = 250
/** Beyond these the hint is taken for somebody else's, which costs a look at the log. */
const MAX_HOMES = 10_000

/**
 * Homes whose alarms ingest has handed over, and whose hint is on its way: that one says nothing new. Each hint counts once,
 * so that one of an alarm that somebody else stored is never taken for it for longer than a moment.
 */
export class HandedAlarms {
  // A map keeps the order of insertion: the first is the oldest.
  readonly #homes = new Map<string, number>()

  add(homeId: string, nowMs: number): void {
    for (const [known, atMs] of this.#homes) {
      if (nowMs - atMs <= HINTED_WITHIN_MS) break
      this.#homes.delete(known)
    }
    this.#homes.delete(homeId)
    if (this.#homes.size < MAX_HOMES) this.#homes.set(homeId, nowMs)
  }

  /** Whether a hint that comes now is of what was handed over. */
  take(homeId: string, nowMs: number): boolean {
    const atMs = this.#homes.get(homeId)
    this.#homes.delete(homeId)
    return atMs !== undefined && nowMs - atMs <= HINTED_WITHIN_MS
  }

  /** Something was stored that was not handed over. */
  clear(): void {
    this.#homes.clear()
  }
}
