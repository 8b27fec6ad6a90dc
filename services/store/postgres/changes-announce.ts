import type { Queryable } from './pool.ts'

export const CHANGE_CHANNEL = 'change'
/** With a query parameter instead, each NOTIFY would be planned anew. */
export const NOTIFY_CHANGE = `select pg_notify('${CHANGE_CHANNEL}', '')`

/**
 * Tells those who follow the `change` table to look, after the commit that wrote to it: within the commit, the NOTIFY would
 * keep every other one in the cluster waiting for this one's fsync. At most one is under way and one waits. One that
 * fails, or that a killed process never sent, costs a follower its next look of its own (`changes.ts`).
 */
export function createAnnouncer(db: Queryable): () => void {
  let running = false
  let again = false

  async function run(): Promise<void> {
    running = true
    while (again) {
      again = false
      await db.query({ name: 'change-announce', text: NOTIFY_CHANGE }).catch(() => undefined)
    }
    running = false
  }

  return () => {
    again = true
    if (!running) void run()
  }
}
