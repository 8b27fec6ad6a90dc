import type { Change } from '../../ports.ts'
import { createChangeRing } from './change-ring.ts'
import { type Listener, mayHear } from './connection.ts'

/** Changes held for pages that come back; at a busy desk that is many minutes. Beyond it: `reset`. */
const RING_SIZE = 5_000
/** Different things that wait to be read and sent. Beyond it everybody reads anew, which costs less. */
const MAX_WAITING = 1_000
/** More different things than this a page that comes back reads sooner by itself. */
const MAX_CAUGHT_UP = 200

export type ChangeQueue = {
  heard(changes: Change[]): void
  /** @param lastEventId where the listener left off */
  comesBack(listener: Listener, lastEventId: string): void
  leaves(listener: Listener): void
  /** The id of what everybody has been told; undefined for a listener that has not caught up yet, or before the first. */
  toldUpTo(listener: Listener): string | undefined
}

type Options = { listeners: ReadonlySet<Listener>; tell(change: Change, to: Listener[]): Promise<void> }

/** One thing after the other, so that nobody gets an older state after a newer one. */
export function createChangeQueue({ listeners, tell }: Options): ChangeQueue {
  const ring = createChangeRing(RING_SIZE)
  const waiting = new Map<string, Change>()
  const comingBack = new Map<Listener, string>()
  let working = false

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

  async function catchUp(listener: Listener, lastEventId: string): Promise<void> {
    const missed = ring.after(lastEventId)?.filter((change) => mayHear(listener, change.homeId))
    const latest = new Map(missed?.map((change) => [keyOf(change), change]))
    if (missed === undefined || latest.size > MAX_CAUGHT_UP) return listener.send({ name: 'reset', data: '{}' })
    for (const change of latest.values()) await tell(change, [listener])
  }

  return {
    heard(changes) {
      for (const change of changes) {
        // It moves to the newest place in the order; what is read then is the newest state anyway.
        waiting.delete(keyOf(change))
        waiting.set(keyOf(change), change)
      }
      if (waiting.size > MAX_WAITING) {
        for (const change of waiting.values()) ring.push(change)
        waiting.clear()
        for (const listener of listeners) listener.send({ name: 'reset', data: '{}' })
      }
      void work()
    },
    comesBack(listener, lastEventId) {
      comingBack.set(listener, lastEventId)
      void work()
    },
    leaves: (listener) => void comingBack.delete(listener),
    toldUpTo: (listener) => (comingBack.has(listener) ? undefined : (ring.newest() ?? undefined)),
  }
}

function keyOf({ kind, homeId, ref }: Change): string {
  return `${kind} ${homeId} ${ref}`
}
