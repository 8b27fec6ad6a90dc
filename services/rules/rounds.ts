import { type AlarmLane, createAlarmLane } from './alarm-lane.ts'
import { lookForAlarms, passTimers } from './home-passes.ts'
import type { RulesMemory } from './memory.ts'
import { passShards, settle } from './passes.ts'

export type Rounds = {
  /** Resolves at the end of the first round that begins after this call, be there work for it or not. */
  next(): Promise<void>
  /** Timers are fired in the next round. */
  askTimers(): void
  /** Something is unread: begins a round where it is ready, else when its rows have gathered. Resolves at the round's end. */
  look(): Promise<void>
  /** The same for who does not wait for it: where a round runs none is asked for, as what is marked is looked at before its end. */
  wake(): void
  /** Ends after the pass in hand. */
  close(): Promise<void>
}

/** Alarms that come in the middle of a pass are folded beside it; all else is done by one loop of rounds. */
export function createRounds<State>(memory: RulesMemory<State>): Rounds {
  const alarms = createAlarmLane(memory)
  const loop = createLoop(memory, alarms)

  /** What fails here is left to the round in hand and the next sweep. */
  async function foldBeside(): Promise<void> {
    if (loop.isRunning() && memory.urgent.size > 0) await alarms.run().catch(() => undefined)
  }

  async function look(): Promise<void> {
    await foldBeside()
    if (loop.isRunning() || loop.isReady()) return loop.next()
    loop.beginWhenReady()
  }

  function wake(): void {
    void foldBeside().then(loop.beginWhenReady)
  }

  memory.freed = () => {
    if (memory.urgent.size > 0) wake()
  }
  return {
    next: loop.next,
    look,
    wake,
    askTimers: loop.askTimers,
    async close() {
      loop.stop()
      await alarms.close()
      await loop.ended()
    },
  }
}

type Loop = Pick<Rounds, 'next' | 'askTimers'> & {
  isRunning(): boolean
  isReady(): boolean
  /** At once where something is ready, else when the rows of some shard have gathered; one that runs looks by itself. */
  beginWhenReady(): void
  stop(): void
  ended(): Promise<void>
}

/** One pass at a time: alarms first, then what is ready of the shards, then timers. */
function createLoop<State>(memory: RulesMemory<State>, alarms: AlarmLane): Loop {
  let timersAsked = false
  /** Somebody waits for a round that has not begun yet. */
  let roundAsked = false
  let stopped = false
  let running: Promise<void> | null = null
  let round = newRound()
  const readyInMs = () => memory.pace.readyInMs(memory.clock.monotonicMs(), memory.alarming)
  const isReady = () =>
    timersAsked || roundAsked || (memory.urgent.size > 0 && !alarms.isRunning()) || readyInMs() === 0
  const gathering = createTimer(begin)

  async function run(): Promise<void> {
    while (!stopped && isReady()) {
      const isAwaited = roundAsked
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
        if (!isAwaited) memory.log.error({ err: error }, 'work that nobody waits for failed')
        await forgetWork(memory)
      }
    }
    if (stopped) {
      round.resolve()
      await settleQuietly(memory)
    }
    running = null
    if (!stopped) gathering.set(readyInMs())
  }

  function begin(): void {
    if (!stopped) running ??= Promise.resolve().then(run)
  }

  return {
    isRunning: () => running !== null,
    isReady,
    beginWhenReady() {
      if (running || stopped) return
      if (isReady()) begin()
      else gathering.set(readyInMs())
    },
    next() {
      if (stopped) return Promise.resolve()
      roundAsked = true
      begin()
      return round.promise
    },
    askTimers() {
      timersAsked = true
    },
    stop() {
      stopped = true
      gathering.set(null)
    },
    ended: async () => void (await running),
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
