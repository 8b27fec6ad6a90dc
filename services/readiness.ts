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
/** A history further behind than this stands still, or its store is away; the log keeps everything meanwhile. */
const HISTORY_BEHIND_LIMIT_MS = 60_000
const ANSWER_LIMIT_MS = 3_000

type Check = Readiness['checks'][number]

/**
 * What `/readyz` says: each dependency, the lag of each reader of the log, the age of the last sweep. What no alarm needs
 * is told and leaves the process ready: a balancer must not take out one that still carries alarms.
 * @param queueIsUp null where hints need no queue of their own
 */
export function createReadiness(
  pool: Database,
  sweeper: Pick<Sweeper, 'ageMs'>,
  queueIsUp: (() => boolean) | null,
): () => Promise<Readiness> {
  const fold = createFoldStore(pool)
  const progress = createHistoryProgress(pool)
  const checks: { name: string; spare?: true; ask(): Promise<Omit<Check, 'name'>> }[] = [
    {
      name: 'rules',
      async ask() {
        const lagMs = await progress.readRulesBehindMs()
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
      // Nobody waits for it in an emergency.
      name: 'history',
      spare: true,
      async ask() {
        const behindMs = Math.round(await progress.readBehindMs())
        return { ok: behindMs < HISTORY_BEHIND_LIMIT_MS, detail: { behindMs } }
      },
    },
    {
      name: 'sweep',
      async ask() {
        const ageMs = Math.round(sweeper.ageMs())
        return { ok: ageMs < SWEEP_AGE_LIMIT_MS, detail: { ageMs } }
      },
    },
  ]
  // Without the queue the sweeps drive everything.
  if (queueIsUp) checks.push({ name: 'queue', spare: true, ask: async () => ({ ok: queueIsUp() }) })
  const spare = new Set(checks.filter((check) => check.spare).map((check) => check.name))
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
    return { ready: all.every((check) => check.ok || spare.has(check.name)), checks: all }
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
