import type { Change, IncidentView, Viewer } from '../../ports.ts'
import { incidentJson } from '../json.ts'
import { scopeOf } from '../rights.ts'
import type { ApiDeps } from '../server-types.ts'
import { createChangeRing, eventIdOf } from './change-ring.ts'
import { type DropReason, type Listener, mayHear } from './connection.ts'

/** Changes held for pages that come back; at a busy desk that is many minutes. Beyond it: `reset`. */
const RING_SIZE = 5_000
/** Different things that wait to be read and sent. Beyond it everybody reads anew, which costs less. */
const MAX_WAITING = 1_000
/** More different things than this a page that comes back reads sooner by itself. */
const MAX_CAUGHT_UP = 200
const HEARTBEAT_MS = 5_000
const RECHECK_MS = 30_000

export type StreamHub = {
  /** @param lastEventId where it left off; null for a page that has read nothing yet */
  add(listener: Listener, lastEventId: string | null): void
  remove(listener: Listener, reason: DropReason): void
  endSession(token: string): void
  count(token?: string): number
  close(): void
}

/**
 * Hears of each change once, reads an incident once however many listen, and hands it to those who may see it. One
 * thing after the other, so that nobody gets an older state after a newer one.
 */
export function createStreamHub(deps: ApiDeps): StreamHub {
  const { store, changes, clock, log, metrics } = deps
  const listeners = new Set<Listener>()
  const ring = createChangeRing(RING_SIZE)
  const waiting = new Map<string, Change>()
  const comingBack = new Map<Listener, string>()
  let working = false

  function heard(batch: Change[]): void {
    for (const change of batch) {
      const key = `${change.kind} ${change.homeId} ${change.ref}`
      // The newest place in the order; what is read then is the newest state anyway.
      waiting.delete(key)
      waiting.set(key, change)
    }
    if (waiting.size > MAX_WAITING) {
      for (const change of waiting.values()) ring.push(change)
      waiting.clear()
      for (const listener of listeners) listener.send({ name: 'reset', data: {} })
    }
    void work()
  }

  async function work(): Promise<void> {
    if (working) return
    working = true
    while (waiting.size > 0 || comingBack.size > 0) {
      for (const [listener, lastEventId] of comingBack) {
        await catchUp(listener, lastEventId)
        comingBack.delete(listener)
      }
      const next = waiting.entries().next().value
      if (!next) continue
      waiting.delete(next[0])
      await tell(next[1], [...listeners])
      ring.push(next[1])
    }
    working = false
  }

  /** Never throws: whoever cannot be told what changed is told to read anew. */
  async function tell(change: Change, to: Listener[]): Promise<void> {
    const entitled = to.filter((listener) => mayHear(listener, change.homeId))
    const id = eventIdOf(change)
    if (entitled.length === 0) return
    if (change.kind !== 'incident') {
      const data = change.kind === 'home' ? { homeId: change.homeId } : { homeId: change.homeId, deviceId: change.ref }
      for (const listener of entitled) listener.send({ name: change.kind, data, id })
      return
    }
    try {
      const readers = new Set(entitled.filter((listener) => listener.personal).map((listener) => listener.userId))
      const view = await store.incidents.readForStream(change.homeId, change.ref, [...readers])
      if (view) sendIncident(view, entitled, id)
    } catch (err) {
      log.warn({ err, homeId: change.homeId, incidentId: change.ref }, 'a changed incident could not be read')
      for (const listener of entitled) listener.send({ name: 'reset', data: {} })
    }
  }

  /** Written down once for those who see all of it, and once for those who see the technical part. */
  function sendIncident(view: IncidentView, entitled: Listener[], id: string): void {
    for (const listener of entitled) {
      if (!listener.personal && view.incident.severity !== 'technical') continue
      listener.send({ name: 'incident', data: incidentJson(view, listener), id })
    }
  }

  async function catchUp(listener: Listener, lastEventId: string): Promise<void> {
    if (!listeners.has(listener)) return
    const missed = ring.after(lastEventId)?.filter((change) => mayHear(listener, change.homeId))
    const latest = new Map(missed?.map((change) => [`${change.kind} ${change.homeId} ${change.ref}`, change]))
    if (missed === undefined || latest.size > MAX_CAUGHT_UP) return listener.send({ name: 'reset', data: {} })
    for (const change of latest.values()) await tell(change, [listener])
  }

  function beat(to: Iterable<Listener>): void {
    const newest = ring.newest() ?? undefined
    for (const listener of to) {
      // Who has not caught up yet must not be told that it has.
      const id = comingBack.has(listener) ? undefined : newest
      listener.send({ name: 'heartbeat', data: { now: new Date(clock.now()).toISOString() }, id })
    }
  }

  /** A session may have ended elsewhere, a membership may be gone: what the database says now is what counts. */
  async function recheck(): Promise<void> {
    for (const token of new Set([...listeners].map((listener) => listener.token))) {
      try {
        const viewer = await store.sessions.find(token)
        const rights = viewer && (await rightsOf(viewer, store))
        for (const listener of listeners) {
          if (listener.token !== token) continue
          if (rights) Object.assign(listener, rights)
          else listener.end('rights-ended')
        }
      } catch (err) {
        log.warn({ err }, 'the rights of a stream could not be read')
      }
    }
  }

  const unsubscribe = changes.subscribe(heard)
  const heartbeats = setInterval(() => beat(listeners), HEARTBEAT_MS)
  let rechecking = Promise.resolve()
  const rechecks = setInterval(() => {
    rechecking = rechecking.then(recheck)
  }, RECHECK_MS)

  return {
    add(listener, lastEventId) {
      listeners.add(listener)
      metrics.gauge('anlin_streams', listeners.size)
      if (lastEventId !== null) comingBack.set(listener, lastEventId)
      beat([listener])
      void work()
    },
    remove(listener, reason) {
      if (!listeners.delete(listener)) return
      comingBack.delete(listener)
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

export async function rightsOf(
  viewer: Viewer,
  store: Pick<ApiDeps['store'], 'homes'>,
): Promise<Pick<Listener, 'homes' | 'personal'>> {
  const scope = scopeOf(viewer)
  return { personal: scope.personal, homes: scope.reach === 'all' ? null : await store.homes.visibleIds(scope) }
}
