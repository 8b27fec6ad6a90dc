import { setTimeout as sleep } from 'node:timers/promises'
import type { Hush } from '../core/hush.ts'
import type { FoldVerdict } from '../core/incident/effect.ts'
import { homesToAdvance } from '../core/signal.ts'
import type {
  Clock,
  Hints,
  Incidents,
  InputSource,
  Log,
  Metrics,
  NewInput,
  SenderAtHand,
  SignalTaker,
} from '../ports.ts'
import { createHomePasses, type Verdicts } from './home-passes.ts'
import { createLanes, eachInTurn } from './lanes.ts'
import { createSteadyClock } from './steady-clock.ts'

/** More homes than this wait their turn; each pass needs a database connection twice, briefly. */
const MAX_HOMES_AT_ONCE = 8
/** A sweep takes at most so many homes, the most urgent first; the next one comes in half a second. */
const MAX_HOMES_PER_SWEEP = 200
/** And so few at once: an alarm that is hinted meanwhile waits for none of them. */
const MAX_SWEPT_AT_ONCE = 4
/**
 * Homes with technical signals only, of one sweep: where a district has lost its gateways all at once, an alarm shares two
 * processors with them.
 */
const MAX_TECHNICAL_PER_SWEEP = 50
const MAX_TECHNICAL_AT_ONCE = 2
/** An input that waits longer than this has lost its hint, or was given none. */
const INPUT_WAITED_MS = 250

export type EscalationOptions = {
  incidents: Incidents
  /** While an alarm is on its way from the rules of this process. */
  hush: Hush
  hints: Hints
  clock: Clock
  log: Log
  metrics: Metrics
  /** How people's browsers reach us, for the links in messages. */
  publicUrl: string
  linkToken(outboxId: string): string
}

export type Escalation = SignalTaker & {
  /** The listener of the topic `incident`; ends when a pass begun after the call has ended. Never throws. */
  onHint(homeId: string): Promise<void>
  /** Twice a second: homes whose timers are due, or whose inputs lost their hint. Ends when all have had their pass. */
  sweep(): Promise<void>
  /**
   * An answer of a person, folded now: what was said to it. The same `origin` again is the same answer.
   * @throws when the database is away or nobody could fold it in time; it is kept and folded later
   */
  submit(homeId: string, incidentId: string | null, input: NewInput, source?: InputSource): Promise<FoldVerdict>
  /** From now on critical messages are this sender's, where it has room, from the commit that writes them. */
  sendWith(sender: SenderAtHand): void
  /** Ends when every pass asked for so far has ended. */
  drain(): Promise<void>
  /** Takes no more, finishes what is running. */
  close(): Promise<void>
}

/** @throws when the database cannot be read */
export async function startEscalation(options: EscalationOptions): Promise<Escalation> {
  const { incidents, clock, log } = options
  const steady = createSteadyClock((await incidents.readClock()).lastFoldedMs)
  const passes = createHomePasses({ ...options, steady })
  const { expected } = passes
  const lanes = createLanes(MAX_HOMES_AT_ONCE, passes.advance)
  let closed = false

  /** By somebody who may have written more than what was handed over. */
  function readAndAdvance(homeId: string): Promise<Verdicts> {
    expected.forget(homeId)
    return lanes.enter(homeId)
  }

  async function advanceQuietly(homeId: string, advance = readAndAdvance): Promise<void> {
    try {
      await advance(homeId)
    } catch (error) {
      log.error({ homeId, ...causeOf(error) }, 'a home could not be advanced; the next sweep tries again')
    }
  }

  async function advanceAfterAlarms({ homeId }: { homeId: string }): Promise<void> {
    await untilNotHushed(options)
    await advanceQuietly(homeId)
  }

  return {
    expect(homeId) {
      if (!closed) expected.expect(homeId)
    },
    async join(homeId, signals, isAlone) {
      return closed ? null : passes.join(homeId, signals, isAlone)
    },
    take(inputs) {
      // What comes while we close waits in the database for the next start.
      if (closed) return
      for (const input of inputs) expected.add(input)
      for (const homeId of homesToAdvance(inputs)) void advanceQuietly(homeId, lanes.enter)
    },
    async onHint(homeId) {
      if (!closed) await advanceQuietly(homeId)
    },
    async sweep() {
      if (closed) return
      const { nowMs } = await incidents.readClock()
      const steadyNowMs = steady.steady(nowMs, clock.monotonicMs())
      const homes = await incidents.dueHomes({ steadyNowMs, waitedMs: INPUT_WAITED_MS, limit: MAX_HOMES_PER_SWEEP })
      const urgent = homes.filter(({ onlyTechnical }) => !onlyTechnical)
      const technical = homes.filter(({ onlyTechnical }) => onlyTechnical)
      await eachInTurn(urgent, MAX_SWEPT_AT_ONCE, advanceAfterAlarms)
      await eachInTurn(someByChance(technical, MAX_TECHNICAL_PER_SWEEP), MAX_TECHNICAL_AT_ONCE, advanceAfterAlarms)
    },
    async submit(homeId, incidentId, input, source = {}) {
      if (closed) throw new Error('the escalation is closing')
      const inputId = await incidents.addInput(homeId, incidentId, input, source)
      const verdicts = await readAndAdvance(homeId)
      const verdict = verdicts.get(inputId) ?? (await incidents.readResult(homeId, inputId))
      if (!verdict) throw new Error(`input ${inputId} of home ${homeId} was not folded`)
      return verdict
    },
    sendWith: passes.sendWith,
    drain: lanes.drain,
    async close() {
      closed = true
      await lanes.drain()
    },
  }
}

/** Steps of incidents that are open already are timed in seconds: they let an alarm of the moment go first. */
async function untilNotHushed({ hush, clock }: EscalationOptions): Promise<void> {
  const hushedMs = hush.leftMs(clock.monotonicMs())
  if (hushedMs > 0) await sleep(Math.ceil(hushedMs))
}

/** By chance, so that two processes seldom take the same ones, and homes whose passes fail keep none of the others waiting. */
function someByChance<T>(items: readonly T[], most: number): T[] {
  const left = [...items]
  return Array.from({ length: Math.min(most, left.length) }, () => left.splice(Math.random() * left.length, 1)).flat()
}

/** The chain of messages and SQLSTATEs; our errors carry ids and codes, never what people said. */
function causeOf(error: unknown): { error: string; code: string | undefined } {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
  return { error: error instanceof Error ? error.message : 'unknown', code }
}
