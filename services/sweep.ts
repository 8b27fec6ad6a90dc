import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock, Log, Metrics } from './ports.ts'

/** What is due or lost its hint is found this often; a lost hint costs at most this a hop. */
const SWEEP_MS = 500

export type Sweeper = {
  /** Monotonic age of the last sweep that began, for `/readyz`. */
  ageMs(): number
  close(): Promise<void>
}

/** One of a process's roles, in the order of the way: rules, escalation, notify. */
export type Swept = { role: string; sweep(): Promise<void> }

/**
 * Sweeps every role twice a second, one after the other in the order of the way, so that in one process what the first
 * finds goes through all of them in the same pass.
 */
export function startSweeping(roles: Swept[], parts: { clock: Clock; log: Log; metrics: Metrics }): Sweeper {
  const { clock, log, metrics } = parts
  const ending = new AbortController()
  let beganAt = clock.monotonicMs()
  const running = (async () => {
    while (!ending.signal.aborted) {
      beganAt = clock.monotonicMs()
      for (const { role, sweep } of roles) {
        try {
          await sweep()
          // A moment and not an age, so that it is right whenever it is read, however long the next sweep hangs.
          metrics.gauge('anlin_last_sweep_timestamp_seconds', clock.now() / 1000, { role })
        } catch (err) {
          // A role whose database is away must not keep the next one from sweeping.
          log.warn({ role, err }, 'sweep failed')
        }
      }
      const leftMs = SWEEP_MS - (clock.monotonicMs() - beganAt)
      await sleep(Math.max(leftMs, 0), undefined, { signal: ending.signal }).catch(() => undefined)
    }
  })()
  return {
    ageMs: () => clock.monotonicMs() - beganAt,
    async close() {
      ending.abort()
      await running
    },
  }
}
