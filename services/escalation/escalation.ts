import type { FoldVerdict } from '../core/incident/effect.ts'
import type { Clock, EscalationCommit, Hints, Incidents, Log, Metrics, NewInput } from '../ports.ts'
import { createLanes, eachInTurn } from './lanes.ts'
import { createMessageWriter } from './messages.ts'
import { planPass } from './pass.ts'
import { createSteadyClock } from './steady-clock.ts'

/** More homes than this wait their turn; each pass needs a database connection twice, briefly. */
const MAX_HOMES_AT_ONCE = 8
/** A sweep takes at most so many homes, the most urgent first; the next one comes in half a second. */
const MAX_HOMES_PER_SWEEP = 200
/** And so few at once: an alarm that is hinted meanwhile waits for none of them. */
const MAX_SWEPT_AT_ONCE = 4
/** An input that waits longer than this has lost its hint. */
const INPUT_WAITED_MS = 250
/** Somebody else was faster so often in a row: left to the next hint or sweep. */
const MAX_RACES = 20
/** A home with more inputs than one pass takes is passed over again at once, but not for ever. */
const MAX_PASSES = 50

export type EscalationOptions = {
  incidents: Incidents
  hints: Hints
  clock: Clock
  log: Log
  metrics: Metrics
  /** How people's browsers reach us, for the links in messages. */
  publicUrl: string
  linkToken(outboxId: string): string
}

export type Escalation = {
  /** The listener of the topic `incident`; ends when a pass begun after the call has ended. Never throws. */
  onHint(homeId: string): Promise<void>
  /** Once a second: homes whose timers are due, or whose inputs lost their hint. Ends when all have had their pass. */
  sweep(): Promise<void>
  /**
   * An answer of a person, folded now: what was said to it. The same `origin` again is the same answer.
   * @throws when the database is away or nobody could fold it in time; it is kept and folded later
   */
  submit(homeId: string, incidentId: string | null, input: NewInput, origin?: string): Promise<FoldVerdict>
  /** Ends when every pass asked for so far has ended. */
  drain(): Promise<void>
  /** Takes no more, finishes what is running. */
  close(): Promise<void>
}

type Verdicts = Map<string, FoldVerdict | null>

/** @throws when the database cannot be read */
export async function startEscalation(options: EscalationOptions): Promise<Escalation> {
  const { incidents, hints, clock, log, metrics } = options
  const write = createMessageWriter(options)
  const steady = createSteadyClock((await incidents.readClock()).lastFoldedMs)
  const lanes = createLanes(MAX_HOMES_AT_ONCE, advance)
  let closed = false

  /** One read and one commit; repeated where another worker was faster. Says whether more inputs wait. */
  async function pass(homeId: string, verdicts: Verdicts): Promise<boolean> {
    for (let race = 0; race < MAX_RACES; race += 1) {
      const view = await incidents.readHome(homeId)
      const nowMs = Math.floor(steady.steady(view.nowMs, clock.monotonicMs()))
      const commit = planPass(homeId, view, nowMs, write, (what, error) => {
        log.error({ homeId, what, error: error instanceof Error ? error.name : 'unknown' }, 'the fold refused this')
        metrics.count('anlin_incident_fold_errors_total')
      })
      if (commit === null) return false
      if (!(await incidents.commit(commit))) {
        metrics.count('anlin_incident_conflicts_total')
        continue
      }
      for (const { inputId, result } of commit.inputs) verdicts.set(inputId, result)
      reportUnreached(commit, options)
      if (commit.messages.length > 0) hints.hint('outbox', '')
      return view.moreInputs
    }
    throw new Error(`advance home ${homeId}: lost the race ${MAX_RACES} times`)
  }

  async function advance(homeId: string): Promise<Verdicts> {
    const verdicts: Verdicts = new Map()
    for (let passes = 0; passes < MAX_PASSES && (await pass(homeId, verdicts)); passes += 1);
    return verdicts
  }

  async function advanceQuietly(homeId: string): Promise<void> {
    try {
      await lanes.enter(homeId)
    } catch (error) {
      log.error({ homeId, ...causeOf(error) }, 'a home could not be advanced; the next sweep tries again')
    }
  }

  return {
    async onHint(homeId) {
      if (!closed) await advanceQuietly(homeId)
    },
    async sweep() {
      if (closed) return
      const { nowMs } = await incidents.readClock()
      const steadyNowMs = steady.steady(nowMs, clock.monotonicMs())
      const homes = await incidents.dueHomes({ steadyNowMs, waitedMs: INPUT_WAITED_MS, limit: MAX_HOMES_PER_SWEEP })
      await eachInTurn(homes, MAX_SWEPT_AT_ONCE, advanceQuietly)
    },
    async submit(homeId, incidentId, input, origin) {
      if (closed) throw new Error('the escalation is closing')
      const inputId = await incidents.addInput(homeId, incidentId, input, origin ?? null)
      const verdicts = await lanes.enter(homeId)
      const verdict = verdicts.get(inputId) ?? (await incidents.readResult(homeId, inputId))
      if (!verdict) throw new Error(`input ${inputId} of home ${homeId} was not folded`)
      return verdict
    },
    drain: lanes.drain,
    async close() {
      closed = true
      await lanes.drain()
    },
  }
}

/** Loudly, and at the very step: a rota with a hole in it must not be found out only when nobody at all is left. */
function reportUnreached(
  { homeId, events }: EscalationCommit,
  { log, metrics }: Pick<EscalationOptions, 'log' | 'metrics'>,
): void {
  for (const { incidentId, event } of events) {
    if (event.type === 'StepSkipped' && event.reason !== 'declined') {
      const { target, reason } = event
      log.warn({ homeId, incidentId, target, reason }, 'a step of an escalation had nobody to tell')
      metrics.count('anlin_steps_without_people_total', 1, { reason })
    } else if (event.type === 'NobodyReachable') {
      log.error({ homeId, incidentId }, 'an incident reaches nobody: nobody is on call, or nobody has a phone')
      metrics.count('anlin_nobody_reachable_total')
    }
  }
}

/** The chain of messages and SQLSTATEs; our errors carry ids and codes, never what people said. */
function causeOf(error: unknown): { error: string; code: string | undefined } {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
  return { error: error instanceof Error ? error.message : 'unknown', code }
}
