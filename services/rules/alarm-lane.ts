import { setImmediate as nextTurn } from 'node:timers/promises'
import type { HomeKey } from '../ports.ts'
import { isHeld } from './held-homes.ts'
import { foldAlarms } from './home-passes.ts'
import type { RulesMemory } from './memory.ts'
import { MIN_ROWS_PER_SHARD } from './pace.ts'

/** Homes of one pass of the lane: who is hinted meanwhile waits for it. The others are next. */
const MAX_HOMES = 64

/** Folds hinted alarms, beside a pass over other homes where one is in hand. */
export type AlarmLane = {
  /**
   * Beside the pass in hand: what is hinted when it begins is folded, in one pass, so that the shards of alarms that have to
   * wait are not held for ever; what an open transaction hides is looked for again as long as that pass lasts. One of it runs
   * at a time. @throws when the database is away
   */
  run(): Promise<void>
  /** One pass, unless `run` is at it: a storm of alarms must not keep a round from the shards. */
  once(): Promise<void>
  /**
   * Whether it is at it: then whoever hints calls `run`, which comes next, and looks at what is left. A round that came for
   * that would only spin, and never let the lane go on.
   */
  isRunning(): boolean
  /** Ends after what is in hand. */
  close(): Promise<void>
}

export function createAlarmLane<State>(memory: RulesMemory<State>): AlarmLane {
  let running: Promise<boolean> | null = null
  let closed = false

  /** @returns whether something was hidden */
  async function begin(beside: boolean): Promise<boolean> {
    if (closed) return false
    running = passAlarms(memory, beside).finally(() => {
      running = null
    })
    return running
  }

  /** Of several who wait for the same, one begins and the others are done. */
  async function beginBeside(): Promise<boolean> {
    await running?.catch(() => undefined)
    return running === null && memory.urgent.size > 0 && (await begin(true))
  }

  async function run(): Promise<void> {
    while ((await beginBeside()) && memory.passing.size > 0) await nextTurn()
  }

  return {
    run,
    async once() {
      if (running === null) await begin(false)
    },
    isRunning: () => running !== null,
    async close() {
      closed = true
      await running?.catch(() => undefined)
    },
  }
}

/**
 * Homes that are hinted to have an alarm go first, each completely in its own order, the ordinary rows before the alarm
 * included. The shard's own pass later skips what the home's position says is done. May run beside a pass, of the same shard
 * too; homes that somebody holds, or is just reading, are left for the next call.
 */
async function passAlarms<State>(memory: RulesMemory<State>, beside: boolean): Promise<boolean> {
  const homes = takeHinted(memory, beside)
  if (homes.length === 0) return false
  memory.alarming = new Set(homes.map((home) => home.shard))
  try {
    return await foldAlarms(memory, homes)
  } catch (error) {
    // Nobody hints them again: the look for alarms finds them in the log.
    memory.kept.forget(memory.alarming)
    for (const shard of memory.alarming) memory.overdue.add(shard)
    throw error
  } finally {
    memory.alarming = new Set()
  }
}

/** Where a shard is quiet its own pass is the quickest way: in a round that follows at once. */
function takeHinted<State>(memory: RulesMemory<State>, beside: boolean): HomeKey[] {
  const { urgent, overdue, pace, kept, passing, clock } = memory
  const nowMs = clock.monotonicMs()
  const homes: HomeKey[] = []
  for (const [homeId, shard] of urgent) {
    if (homes.length >= MAX_HOMES) break
    if (memory.reading.has(shard) || isHeld(memory, homeId)) continue
    urgent.delete(homeId)
    // What is hinted and not here was stored by somebody else.
    const isMissing = kept.isAtHand(shard) && kept.rowsOf([{ homeId, shard }], 1).length === 0
    // Rows that came while a commit hung: the shard looks quiet, and its own passes would come to the alarm last.
    const isBehind = kept.waiting(shard) > MIN_ROWS_PER_SHARD
    const isBusy = beside || passing.size > 0 || overdue.has(shard) || isBehind || !pace.isQuiet(shard, nowMs)
    if (isBusy || isMissing) homes.push({ homeId, shard })
    else pace.hurry(shard)
  }
  return homes
}
