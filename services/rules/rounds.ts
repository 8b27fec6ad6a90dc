import type { Log } from '../ports.ts'
import { type AlarmLane, createAlarmLane } from './alarm-lane.ts'
import { lookForAlarms, passTimers } from './home-passes.ts'
import type { RulesMemory } from './memory.ts'
import { passShards, settle } from './passes.ts'

export type Rounds = {
  /** Resolves at the end of the first round that begins after this call, be there work for it or not. */
  next(): Promise<void>
  /** Timers are fired in the next round. */
  askTimers(): void
  /**
   * Something is unread: begins a round where it is ready, and resolves at its end; else it begins when the rows have gathered,
   * and this resolves at once.
   */
  look(): Promise<void>
  /** The same for who does not wait: the round that runs ends in no other way than with a look at what is marked by then. */
  wake(): void
  /** Ends after the pass in hand. */
  close(): Promise<void>
}

/** Alarms that come in the middle of a pass are folded beside it; all else is done by one loop of rounds. */
export function createRounds<State>(memory: RulesMemory<State>): Rounds {
  const alarms = createAlarmLane(memory)
  const loop = createLoop(memory, alarms)

  async function foldBeside(): Promise<void> {
    if (loop.isRunning() && memory.urgent.size > 0) await alarms.run().catch(loop.again)
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
  /** What failed beside a round is left to the next one, which has to look for it. */
  again(error: unknown): void
  stop(): void
  ended(): Promise<void>
}

/** One pass at a time: alarms first, then what is ready of the shards, then timers. */
function createLoop<State>(memory: RulesMemory<State>, alarms: AlarmLane): Loop {
  const asked = createAsked()
  let stopped = false
  let running: Promise<void> | null = null
  const readyInMs = () => memory.pace.readyInMs(memory.clock.monotonicMs(), memory.alarming)
  const isReady = () => asked.isForRound() || (memory.urgent.size > 0 && !alarms.isRunning()) || readyInMs() === 0
  const errors = createErrors(memory.log)
  const gathering = createTimer(begin)

  async function run(): Promise<void> {
    while (!stopped && isReady()) {
      const { resolve, reject, isAwaited, fireTimers } = asked.take()
      try {
        if (await runRound(memory, alarms, fireTimers)) asked.timers()
        const done = memory.underway?.done
        if (isAwaited) done?.catch(errors.told)
        resolve(done?.then(() => undefined))
      } catch (error) {
        if (isAwaited) errors.told(error)
        reject(error)
        await settleQuietly(memory)
        forgetWork(memory)
        errors.say(error)
      }
    }
    if (stopped) {
      asked.take().resolve()
      await settle(memory).catch(errors.say)
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
      const ended = asked.round()
      begin()
      return ended
    },
    askTimers: asked.timers,
    again(error) {
      asked.again()
      errors.say(error)
    },
    stop() {
      stopped = true
      gathering.set(null)
    },
    ended: async () => void (await running),
  }
}

type Round = {
  resolve(end?: Promise<void>): void
  reject(error: unknown): void
  /** Somebody is told how it ends. */
  isAwaited: boolean
  fireTimers: boolean
}

/** What the next round is asked for; what comes in the middle of one is for the next. */
function createAsked() {
  let next = newRound()
  let isAwaited = false
  let fireTimers = false
  let isDue = false
  return {
    isForRound: () => isAwaited || fireTimers || isDue,
    round() {
      isAwaited = true
      return next.promise
    },
    timers() {
      fireTimers = true
    },
    again() {
      isDue = true
    },
    take(): Round {
      const taken = { ...next, isAwaited, fireTimers }
      next = newRound()
      isAwaited = false
      fireTimers = false
      isDue = false
      return taken
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

/** Says what failed where nobody was told, once: the commit under way at a round's end may fail in the next one. */
function createErrors(log: Log): { told(error: unknown): void; say(error: unknown): void } {
  let last: unknown = null
  return {
    told(error) {
      last = error
    },
    say(error) {
      if (error !== last) log.error({ err: error }, 'work that nobody waits for failed')
      last = error
    },
  }
}

/** What is left undone is found by the next sweep. */
function forgetWork<State>(memory: RulesMemory<State>): void {
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
