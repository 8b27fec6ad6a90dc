import type { HomeKey } from '../ports.ts'
import { foldAlarms } from './home-passes.ts'
import type { RulesMemory } from './memory.ts'

/** Folds hinted alarms, beside a pass over other shards where one is in hand. */
export type AlarmLane = {
  /** Ends when no alarm is hinted that may be folded now. One of it runs at a time. @throws when the database is away */
  run(): Promise<void>
  /** One pass, unless `run` is at it: a storm of alarms must not keep a round from the shards. */
  once(): Promise<void>
  /**
   * Whether it is at it: then it takes what is hinted meanwhile, and whoever called `run` looks at what is left. A round
   * that came for that would only spin, and never let the lane go on.
   */
  isRunning(): boolean
  /** Ends after what is in hand. */
  close(): Promise<void>
}

export function createAlarmLane<State>(memory: RulesMemory<State>): AlarmLane {
  let running: Promise<void> | null = null
  let closed = false

  async function passAll(): Promise<void> {
    while (!closed && (await passAlarms(memory))) {}
  }

  function begin(work: () => Promise<void>): Promise<void> {
    running = work().finally(() => {
      running = null
    })
    return running
  }

  return {
    async run() {
      await running?.catch(() => undefined)
      if (running === null && memory.urgent.size > 0) await begin(passAll)
    },
    async once() {
      if (running === null) await begin(async () => void (await passAlarms(memory)))
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
 * included. The shard's own pass later skips what the home's position says is done. May run beside a pass over other
 * shards; the homes of a shard that a pass has in hand are left for the next call.
 * @returns whether anything was done
 */
async function passAlarms<State>(memory: RulesMemory<State>): Promise<boolean> {
  const homes = takeHinted(memory)
  if (homes.length === 0) return false
  memory.alarming = new Set(homes.map((home) => home.shard))
  try {
    await foldAlarms(memory, homes)
  } finally {
    memory.alarming = new Set()
  }
  return true
}

/** Where a shard is quiet its own pass is the quickest way, and follows at once. */
function takeHinted<State>(memory: RulesMemory<State>): HomeKey[] {
  const { urgent, overdue, pace, passing, underway, clock } = memory
  const nowMs = clock.monotonicMs()
  const inHand = (shard: number) => passing.has(shard) || underway?.cursors.some((cursor) => cursor.shard === shard)
  const homes: HomeKey[] = []
  for (const [homeId, shard] of urgent) {
    if (inHand(shard)) continue
    urgent.delete(homeId)
    if (passing.size > 0 || overdue.has(shard) || !pace.isQuiet(shard, nowMs)) homes.push({ homeId, shard })
    else pace.hurry(shard)
  }
  return homes
}
