import type { Viewer } from '../../ports.ts'
import { scopeOf } from '../rights.ts'
import type { ApiDeps } from '../server-types.ts'
import { createChangeQueue } from './change-queue.ts'
import type { DropReason, Listener } from './connection.ts'
import { tellChange } from './tell.ts'

/** A page that hears nothing for 12 s counts itself as cut off. */
const HEARTBEAT_MS = 5_000
const RECHECK_MS = 30_000
/**
 * A heartbeat tells a page that what it shows is current. Where nobody knows what changed in this time (the database is
 * away, or an open transaction hides it) there is none, and the page says itself that it is old.
 */
const CHANGES_AGE_LIMIT_MS = 5_000

export type StreamHub = {
  /** @param lastEventId where it left off; null for a page that has read nothing yet */
  add(listener: Listener, lastEventId: string | null): void
  remove(listener: Listener, reason: DropReason): void
  endSession(token: string): void
  /** Of one session, or of all. */
  count(token?: string): number
  close(): void
}

/** Who listens, that they go on being entitled to, and that they hear of each change. */
export function createStreamHub(deps: ApiDeps): StreamHub {
  const { changes, clock, metrics } = deps
  const listeners = new Set<Listener>()
  const queue = createChangeQueue({ listeners, tell: (change, to) => tellChange(deps, change, to) })

  function beat(listener: Listener): void {
    if (changes.ageMs() > CHANGES_AGE_LIMIT_MS) return
    const data = JSON.stringify({ now: new Date(clock.now()).toISOString() })
    // With the id, a page that hears of nothing for hours still comes back to where it was.
    listener.send({ name: 'heartbeat', data, id: queue.toldUpTo(listener) })
  }

  const unsubscribe = changes.subscribe(queue.heard)
  const heartbeats = setInterval(() => listeners.forEach(beat), HEARTBEAT_MS)
  let rechecking = false
  const rechecks = setInterval(() => {
    // A slow database is not asked twice at once.
    if (rechecking) return
    rechecking = true
    void recheckRights(deps, listeners).finally(() => {
      rechecking = false
    })
  }, RECHECK_MS)

  return {
    add(listener, lastEventId) {
      listeners.add(listener)
      metrics.gauge('anlin_streams', listeners.size)
      if (lastEventId !== null) queue.comesBack(listener, lastEventId)
      beat(listener)
    },
    remove(listener, reason) {
      if (!listeners.delete(listener)) return
      queue.leaves(listener)
      metrics.gauge('anlin_streams', listeners.size)
      metrics.count('anlin_streams_ended_total', 1, { reason })
    },
    endSession(token) {
      for (const listener of listeners) if (listener.token === token) listener.end('rights-ended')
    },
    count: (token) => [...listeners].filter((listener) => token === undefined || listener.token === token).length,
    close() {
      unsubscribe()
      clearInterval(heartbeats)
      clearInterval(rechecks)
      for (const listener of listeners) listener.end('closing')
    },
  }
}

/** A session may have ended elsewhere, a membership may be gone: what the database says now is what counts. */
export async function recheckRights(deps: Pick<ApiDeps, 'store' | 'log'>, listeners: Set<Listener>): Promise<void> {
  for (const token of new Set([...listeners].map((listener) => listener.token))) {
    try {
      const viewer = await deps.store.sessions.find(token)
      const rights = viewer && (await rightsOf(viewer, deps.store))
      for (const listener of listeners) {
        if (listener.token !== token) continue
        if (rights) Object.assign(listener, rights)
        else listener.end('rights-ended')
      }
    } catch (err) {
      deps.log.warn({ err }, 'the rights of a stream could not be read')
    }
  }
}

export async function rightsOf(
  viewer: Viewer,
  store: Pick<ApiDeps['store'], 'homes'>,
): Promise<Pick<Listener, 'homes' | 'personal'>> {
  const scope = scopeOf(viewer)
  return { personal: scope.personal, homes: scope.reach === 'all' ? null : await store.homes.visibleIds(scope) }
}
