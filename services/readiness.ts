import type { Readiness } from './api/server-types.ts'
import { createFoldStore } from './store/postgres/fold-store.ts'
import { createHistoryProgress } from './store/postgres/history-progress.ts'
import type { Database } from './store/postgres/pool.ts'
import type { Sweeper } from './sweep.ts'

/** Sweeps begin twice a second; older than this the process hangs. */
const SWEEP_AGE_LIMIT_MS = 10_000
/** Alarms go first, but rows that wait this long say that the rules do not keep up. */
const RULES_LAG_LIMIT_MS = 10_000
const TRANSACTION_AGE_LIMIT_MS = 5_000
const ANSWER_LIMIT_MS = 3_000

type Check = Readiness['checks'][number]

/** What `/readyz` says: each dependency, the lag of each reader of the log, the age of the last sweep. */
export function createReadiness(pool: Database, sweeper: Sweeper): () => Promise<Readiness> {
  const fold = createFoldStore(pool)
  const progress = createHistoryProgress(pool)
  const checks: { name: string; ask(): Promise<Omit<Check, 'name'>> }[] = [
    {
      name: 'rules',
      async ask() {
        const { nowMs, lagging } = await fold.readLag()
        const lagMs = lagging.reduce((most, { oldestReceivedAt }) => Math.max(most, nowMs - oldestReceivedAt), 0)
        return { ok: lagMs < RULES_LAG_LIMIT_MS, detail: { lagMs } }
      },
    },
    {
      name: 'transactions',
      async ask() {
        const oldestMs = await fold.oldestOpenXidAgeMs()
        return { ok: oldestMs < TRANSACTION_AGE_LIMIT_MS, detail: { oldestMs: Math.round(oldestMs) } }
      },
    },
    {
      // A history that lags is said, not counted: nobody waits for it in an emergency.
      name: 'history',
      ask: async () => ({ ok: true, detail: { behindMs: Math.round(await progress.readBehindMs()) } }),
    },
    {
      name: 'sweep',
      async ask() {
        const ageMs = Math.round(sweeper.ageMs())
        return { ok: ageMs < SWEEP_AGE_LIMIT_MS, detail: { ageMs } }
      },
    },
  ]
  return async () => {
    const results = await Promise.all(
      checks.map(async ({ name, ask }) => ({ name, ...(await inTime(ask()).catch(() => ({ ok: false }))) })),
    )
    const database: Check = {
      name: 'database',
      ok: await inTime(pool.query('select 1')).then(
        () => true,
        () => false,
      ),
    }
    const all = [database, ...results]
    return { ready: all.every((check) => check.ok), checks: all }
  }
}

function inTime<T>(work: Promise<T>): Promise<T> {
  const late = AbortSignal.timeout(ANSWER_LIMIT_MS)
  return Promise.race([
    work,
    new Promise<never>((_, reject) => {
      late.onabort = () => reject(new Error('no answer in time'))
    }),
  ])
}
