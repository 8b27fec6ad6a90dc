import type { Change, Viewer } from '../../ports.ts'
import { scopeOf } from '../rights.ts'
import type { ApiDeps } from '../server-types.ts'
import { createChangeQueue } from './change-queue.ts'
import type { DropReason, Listener } from './connection.ts'
import { createPulse } from './pulse.ts'
import { tellChange } from './tell.ts'

/** A page that hears nothing for 12 s counts itself as cut off. */
const HEARTBEAT_MS = 5_000
const RECHECK_MS = 30_000

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
  const pulse = createPulse(deps)
  const firstLook = pulse.look()
  const queue = createChangeQueue({ listeners, tell: (change, to) => tellChange(deps, change, to) })

  function beat(listener: Listener): void {
    if (!pulse.isCurrent()) return
    const data = JSON.stringify({ now: new Date(clock.now()).toISOString() })
    // With the id, a page that hears of nothing for hours still comes back to where it was.
    listener.send({ name: 'heartbeat', data, id: queue.toldUpTo(listener) })
  }

  const recheck = oneAtATime(() => recheckRights(deps, listeners))
  const unsubscribe = changes.subscribe((heard) => {
    const concerning = heard.filter((change) => !isOfUsers(change))
    if (concerning.length > 0) queue.heard(concerning)
    // A home that is new, or a user whose homes are: an alarm there must not wait for the next round.
    if (heard.some(({ kind }) => kind === 'home')) recheck()
  })
  const beatAll = oneAtATime(async () => {
    await pulse.look()
    listeners.forEach(beat)
  })
  const heartbeats = setInterval(beatAll, HEARTBEAT_MS)
  const rechecks = setInterval(recheck, RECHECK_MS)

  return {
    add(listener, lastEventId) {
      listeners.add(listener)
      metrics.gauge('anlin_streams', listeners.size)
      if (lastEventId !== null) queue.comesBack(listener, lastEventId)
      void firstLook.then(() => listeners.has(listener) && beat(listener))
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

/** A change of the platform's own place: somebody's rights, which is nothing a page shows. */
function isOfUsers({ kind, homeId }: Change): boolean {
  return kind === 'home' && homeId === '-'
}

/** A slow database is not asked twice at once; what is asked for meanwhile is done once more after. */
function oneAtATime(work: () => Promise<void>): () => void {
  let working = false
  let again = false
  return function run() {
    again = working
    if (working) return
    working = true
    void work().finally(() => {
      working = false
      if (again) run()
    })
  }
}

/**
 * A session may have ended elsewhere, a membership may be gone or new: what the database says now is what counts. Whose
 * homes are others than before reads everything anew, for what happened there was not told.
 */
export async function recheckRights(deps: Pick<ApiDeps, 'store' | 'log'>, listeners: Set<Listener>): Promise<void> {
  for (const token of new Set([...listeners].map((listener) => listener.token))) {
    try {
      const viewer = await deps.store.sessions.find(token)
      const rights = viewer && (await rightsOf(viewer, deps.store))
      for (const listener of listeners) {
        if (listener.token !== token) continue
        if (!rights) listener.end('rights-ended')
        else if (!isSame(listener, rights)) {
          Object.assign(listener, rights)
          listener.send({ name: 'reset', data: '{}' })
        }
      }
    } catch (err) {
      deps.log.warn({ err }, 'the rights of a stream could not be read')
    }
  }
}

type Rights = Pick<Listener, 'homes' | 'personal'>

function isSame(before: Rights, now: Rights): boolean {
  if (before.personal !== now.personal) return false
  const { homes } = now
  if (before.homes === null || homes === null) return before.homes === homes
  return before.homes.size === homes.size && [...before.homes].every((homeId) => homes.has(homeId))
}

export async function rightsOf(viewer: Viewer, store: Pick<ApiDeps['store'], 'homes'>): Promise<Rights> {
  const scope = scopeOf(viewer)
  return { personal: scope.personal, homes: scope.reach === 'all' ? null : await store.homes.visibleIds(scope) }
}
