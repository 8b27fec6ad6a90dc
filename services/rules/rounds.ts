import { type AlarmLane, createAlarmLane } from './alarm-lane.ts'
import { lookForAlarms, passTimers } from './home-passes.ts'
import type { RulesMemory } from './memory.ts'
import { passShards, settle } from './passes.ts'

export type Rounds = {
  /** Resolves at the end of the first round that begins after this call, be there work for it or not. */
  next(): Promise<void>
  /** Timers are fired in the next round. */
  askTimers(): void
  /** Something is unread: begins a round where it is ready, else when its rows have gathered. */
  look(): Promise<void>
  /** Ends after the pass in hand. */
  close(): Promise<void>
}

/**
 * One loop of rounds, one pass at a time: alarms first, then what is ready of the shards, then timers. An alarm that comes
 * in the middle of a pass is folded beside it.
 */
export function createRounds<State>(memory: RulesMemory<State>): Rounds {
  let timersAsked = false
  /** Somebody waits for a round that has not begun yet. */
  let roundAsked = false
  let closed = false
  let running: Promise<void> | null = null
  const alarms = createAlarmLane(memory)
  let round = newRound()
  const readyInMs = () => memory.pace.readyInMs(memory.clock.monotonicMs(), memory.alarming)
  const isReady = () =>
    timersAsked || roundAsked || (memory.urgent.size > 0 && !alarms.isRunning()) || readyInMs() === 0

  async function loop(): Promise<void> {
    while (!closed && isReady()) {
      roundAsked = false
      const own = round
      round = newRound()
      // Timers that are asked for in the middle of the round are fired in the next.
      const fireTimers = timersAsked
      timersAsked = false
      try {
        if (await runRound(memory, alarms, fireTimers)) timersAsked = true
        own.resolve(memory.underway?.done.then(() => undefined))
      } catch (error) {
        own.reject(error)
        await forgetWork(memory)
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
  const gathering = createTimer(next)
  const gather = () => gathering.set(closed ? null : readyInMs())

  function next(): Promise<void> {
    if (closed) return Promise.resolve()
    roundAsked = true
    running ??= Promise.resolve().then(loop)
    return round.promise
  }

  async function look(): Promise<void> {
    // What fails here is left to the round in hand and the next sweep.
    if (running && memory.urgent.size > 0) await alarms.run().catch(() => undefined)
    if (running || isReady()) return next()
    gather()
  }

  // A round that fails tells those who asked for it.
  memory.freed = () => void (memory.urgent.size > 0 && look().catch(() => undefined))
  return {
    next,
    look,
    askTimers() {
      timersAsked = true
    },
    async close() {
      closed = true
      gathering.set(null)
      await alarms.close()
      await running
    },
  }
}

/** `null`: not at all, unless set anew. */
function createTimer(work: () => unknown): { set(inMs: number | null): void } {
  let timer: NodeJS.Timeout | undefined
  return {
    set(inMs) {
      clearTimeout(timer)
      if (inMs !== null) timer = setTimeout(work, inMs)
    },
  }
}

/** @returns whether more timers are due at once */
async function runRound<State>(memory: RulesMemory<State>, alarms: AlarmLane, fireTimers: boolean): Promise<boolean> {
  await alarms.once()
  await lookForAlarms(memory)
  await passShards(memory)
  // Those that the pass had in hand need not wait for the timers too.
  if (memory.urgent.size > 0) await alarms.once()
  return fireTimers && (await passTimers(memory))
}

/** What is left undone is found by the next sweep. */
async function forgetWork<State>(memory: RulesMemory<State>): Promise<void> {
  await settleQuietly(memory)
  memory.kept.forget(memory.shards)
  memory.pace.clear()
  memory.urgent.clear()
}

/** Whoever began the commit has been told how it ended, or the next sweep finds what it left undone. */
async function settleQuietly<State>(memory: RulesMemory<State>): Promise<void> {
  await settle(memory).catch(() => undefined)
}

/** A round may fail while nobody waits for it: that must not end the process. The next sweep finds what it left undone. */
function newRound(): PromiseWithResolvers<void> {
  const round = Promise.withResolvers<void>()
  round.promise.catch(() => undefined)
  return round
}
