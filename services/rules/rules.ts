import { createWatch } from './clock-watch.ts'
import {
  createMemory,
  passShards,
  passTimers,
  passUrgent,
  type RulesMemory,
  type RulesParts,
  settle,
} from './passes.ts'

export type RulesWorker = {
  /** Resolves when a pass has taken the shard; the rest of its rows, if any, follow by themselves. */
  onHint(shard: string): Promise<void>
  /**
   * To be called each second: finds shards with unread rows, fires timers, watches the clock. Resolves when one pass
   * over them is done. @throws when the database is away
   */
  sweep(): Promise<void>
  /** Folds until nothing is unread and no timer is due; waits for what an open transaction hides. */
  processAll(): Promise<void>
  /** Ends after the pass in hand. */
  close(): Promise<void>
}

/**
 * Folds the log into the homes' states. Hints and sweeps only mark shards as dirty; one loop reads them at its own
 * pace, one pass at a time, and sleeps when nothing is dirty.
 */
export async function startRules<State>(parts: RulesParts<State>): Promise<RulesWorker> {
  await parts.store.prepareCursors(parts.shards)
  const memory = createMemory(parts)
  const watch = createWatch(memory)
  let timersAsked = false
  /** Somebody waits for a round that has not begun yet, be there work left for it or not. */
  let roundAsked = false
  let closed = false
  let running: Promise<void> | null = null
  /** The rounds that have begun; a caller waits for the end of the first round that begins after its call. */
  let round = newRound()

  async function loop(): Promise<void> {
    while (!closed && (memory.dirty.size > 0 || timersAsked || roundAsked)) {
      roundAsked = false
      const own = round
      round = newRound()
      try {
        await passUrgent(memory)
        await passShards(memory)
        if (timersAsked) timersAsked = await passTimers(memory)
        own.resolve(memory.underway?.done.then(() => undefined))
      } catch (error) {
        own.reject(error)
        await settleQuietly(memory)
        memory.dirty.clear()
        timersAsked = false
      }
    }
    if (closed) {
      round.resolve()
      await settleQuietly(memory)
    }
    running = null
  }

  /** Resolves at the end of the next round. */
  function wake(): Promise<void> {
    if (closed) return Promise.resolve()
    roundAsked = true
    running ??= Promise.resolve().then(loop)
    return round.promise
  }

  /** @returns whether there was anything unread */
  async function sweep(): Promise<boolean> {
    const { lagging } = await watch()
    timersAsked = true
    await wake()
    return lagging.length > 0
  }

  return {
    onHint(shard) {
      memory.dirty.add(Number(shard))
      return wake()
    },
    async sweep() {
      await sweep()
    },
    processAll: () => untilNothingIsDone(memory, sweep),
    async close() {
      closed = true
      await running
    },
  }
}

/** Whoever began the commit has been told how it ended, or the next sweep finds what it left undone. */
async function settleQuietly<State>(memory: RulesMemory<State>): Promise<void> {
  await settle(memory).catch(() => undefined)
}

async function untilNothingIsDone<State>(memory: RulesMemory<State>, sweep: () => Promise<boolean>): Promise<void> {
  for (let before = -1; before !== memory.done; ) {
    before = memory.done
    while (await sweep()) {}
  }
}

/** A round may fail while nobody waits for it: that must not end the process. The next sweep finds what it left undone. */
function newRound(): PromiseWithResolvers<void> {
  const round = Promise.withResolvers<void>()
  round.promise.catch(() => undefined)
  return round
}
