import { setTimeout as sleep } from 'node:timers/promises'
import type { Queryable } from './pool.ts'

export const CHANGE_CHANNEL = 'change'
/** With a query parameter instead, each NOTIFY would be planned anew. */
export const NOTIFY_CHANGE = `select pg_notify('${CHANGE_CHANNEL}', '')`

/**
 * A change is told this long after its commit. Whoever follows reads at once, in several threads and processes, and beside
 * an alarm on its way those reads took two of its ten ms. What a press changes in the meantime is told together.
 */
const ANNOUNCE_AFTER_MS = 15

const announcers = new WeakMap<Queryable, () => void>()

/**
 * Tells those who follow the `change` table to look, after the commit that wrote to it: within the commit, the NOTIFY would
 * keep every other one in the cluster waiting for this one's fsync. One announcer a pool; at most one is under way and one
 * waits. One that fails, or that a killed process never sent, costs a follower its next look of its own (`changes.ts`).
 */
export function announcerOf(db: Queryable): () => void {
  const known = announcers.get(db)
  if (known) return known
  const announcer = createAnnouncer(db)
  announcers.set(db, announcer)
  return announcer
}

function createAnnouncer(db: Queryable): () => void {
  let running = false
  let again = false

  async function run(): Promise<void> {
    running = true
    while (again) {
      await sleep(ANNOUNCE_AFTER_MS, undefined, { ref: false })
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
