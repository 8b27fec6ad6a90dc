import { readLogHint } from '../core/log-hint.ts'
import type { FreshRows, HomeKey } from '../ports.ts'
import { createWatch } from './clock-watch.ts'
import { createMemory, type RulesMemory, type RulesParts } from './memory.ts'
import { createRounds } from './rounds.ts'

/** Hinted alarms that wait to be folded; beyond them the look for urgent homes and the shards' own passes find the rest. */
const MAX_URGENT_HOMES = 10_000

export type RulesWorker = {
  /**
   * @param key what core/log-hint.ts makes. Resolves at the end of the next round; what has to gather first, or does not
   * fit into it, follows by itself.
   */
  onHint(key: string): Promise<void>
  /**
   * To be called with each sweep: finds shards with unread rows, fires timers, watches the clock. Resolves when one pass
   * over them is done. @throws when the database is away
   */
  sweep(): Promise<void>
  /** What ingest commits in this process, which nobody hints; `expect`: whose alarms it is about to commit. */
  fresh: { expect(homeIds: readonly string[]): void; offer(batch: FreshRows): void; lost(): void }
  /** Folds until nothing is unread and no timer is due; waits for what an open transaction hides. */
  processAll(): Promise<void>
  /** Ends after the pass in hand. */
  close(): Promise<void>
}

/**
 * Folds the log into the homes' states. Hints and sweeps only mark what is unread; one loop reads it at its own pace, one
 * pass at a time, and sleeps when nothing is ready.
 */
export async function startRules<State>(parts: RulesParts<State>): Promise<RulesWorker> {
  await parts.store.prepareCursors(parts.shards)
  const memory = createMemory(parts)
  const watch = createWatch(memory)
  const rounds = createRounds(memory)

  /** @returns whether there was anything unread */
  async function sweep(): Promise<boolean> {
    const { lagging } = await watch()
    rounds.askTimers()
    await rounds.next()
    return lagging.length > 0
  }

  return {
    async onHint(key) {
      const { shard, homeId } = readLogHint(key)
      if (shard === null) {
        const { lagging } = await memory.store.readLag()
        for (const unread of lagging) memory.pace.mark(unread.shard)
        return rounds.look()
      }
      memory.pace.mark(shard)
      if (homeId !== null) {
        alarmed(memory, { homeId, shard })
        memory.escalation?.expect(homeId)
      }
      return rounds.look()
    },
    async sweep() {
      await sweep()
    },
    fresh: {
      expect(homeIds) {
        memory.hush.begin(memory.clock.monotonicMs())
        for (const homeId of homeIds) memory.escalation?.expect(homeId)
      },
      offer(batch) {
        memory.kept.offer(batch)
        for (let nth = 0; nth < batch.count; nth++) memory.pace.mark(batch.shardOf(nth))
        for (const home of batch.alarms) alarmed(memory, home)
        rounds.wake()
      },
      lost: () => memory.kept.lost(),
    },
    processAll: () => untilNothingIsDone(memory, sweep),
    close: rounds.close,
  }
}

function alarmed<State>({ urgent }: RulesMemory<State>, { homeId, shard }: HomeKey): void {
  if (urgent.size < MAX_URGENT_HOMES) urgent.set(homeId, shard)
}

async function untilNothingIsDone<State>(memory: RulesMemory<State>, sweep: () => Promise<boolean>): Promise<void> {
  for (let before = -1; before !== memory.done; ) {
    before = memory.done
    while (await sweep()) {}
  }
}
