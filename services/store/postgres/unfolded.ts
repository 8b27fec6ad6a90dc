import { createHistoryProgress } from './history-progress.ts'
import { IS_TECHNICAL } from './incidents.ts'
import type { Database } from './pool.ts'

/** The index of migration 0011 finds the oldest at once; technical faults wait in a line of their own, by design. */
const WAITING = `
  select coalesce(extract(epoch from platform_now() - min(created_at)) * 1000, 0)::float8 as "inputMs",
    exists (select 1 from observation_log) and not exists (select 1 from log_cursor where reader = 'rules') as unread
  from incident_input where applied_at is null and ${IS_TECHNICAL} is not true`

/**
 * How long the oldest waits of what the homes said and of what became of it, in ms; 0 when all of it is folded, infinite
 * where no rules ever began to.
 */
export function readUnfolded(pool: Database): () => Promise<number> {
  const progress = createHistoryProgress(pool)
  return async () => {
    const [rulesMs, { rows }] = await Promise.all([
      progress.readRulesBehindMs(),
      pool.query<{ inputMs: number; unread: boolean }>({ name: 'api-unfolded', text: WAITING }),
    ])
    const [waiting] = rows
    return waiting && !waiting.unread ? Math.max(rulesMs, waiting.inputMs) : Number.POSITIVE_INFINITY
  }
}
