import { readLogHint } from '../core/log-hint.ts'
import { createWatch } from './clock-watch.ts'
import { passTimers, passUrgent } from './home-passes.ts'
import { createMemory, type RulesMemory, type RulesParts } from './memory.ts'
import { passShards, settle } from './passes.ts'

/** Hinted alarms that wait to be folded; beyond them the look for urgent homes and the shards' own passes find the rest. */
const MAX_URGENT_HOMES = 10_000

export type RulesWorker = {
  /**
   * @param key a shard, or `shard/home` where an alarm has come of that home
   * Resolves at the end of the next round; what has to gather first, or did not fit, follows by itself.
   */
  onHint(key: string): Promise<void>
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
 * Folds the log into the homes' states. Hints and sweeps only mark what is unread; one loop reads it at its own pace, one
 * pass at a time, alarms first, and sleeps when nothing is ready.
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
  let gathering: NodeJS.Timeout | undefined
  /** The rounds that have begun; a caller waits for the end of the first round that begins after its call. */
  let round = newRound()

  function isReady(): boolean {
    return memory.urgent.size > 0 || timersAsked || roundAsked || readyInMs() === 0
  }

  const readyInMs = () => memory.pace.readyInMs(memory.clock.monotonicMs())

  async function loop(): Promise<void> {
    clearTimeout(gathering)
    while (!closed && isReady()) {
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
        memory.pace.clear()
        memory.urgent.clear()
        timersAsked = false
      }
    }
    if (closed) {
      round.resolve()
      await settleQuietly(memory)
    }
    running = null
    gather()
  }

  /** Comes back when the rows of some shard have gathered. */
  function gather(): void {
    clearTimeout(gathering)
    const gatherMs = readyInMs()
    if (!closed && gatherMs !== null) gathering = setTimeout(() => void wake(), gatherMs)
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
    onHint(key) {
      const { shard, homeId } = readLogHint(key)
      memory.pace.mark(shard)
      if (homeId !== null && memory.urgent.size < MAX_URGENT_HOMES) memory.urgent.set(homeId, shard)
      if (running || isReady()) return wake()
      gather()
      return Promise.resolve()
    },
    async sweep() {
      await sweep()
    },
    processAll: () => untilNothingIsDone(memory, sweep),
    async close() {
      closed = true
      clearTimeout(gathering)
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
