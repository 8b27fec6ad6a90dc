import type { FoldVerdict } from '../core/incident/effect.ts'
import { isCritical } from '../core/message/priority.ts'
import type { Signal } from '../core/signal.ts'
import type {
  Claim,
  ClaimAtOnce,
  Clock,
  EscalationCommit,
  EscalationView,
  Hints,
  Incidents,
  JointCommit,
  Log,
  Metrics,
  SenderAtHand,
} from '../ports.ts'
import { createExpectedHomes, type ExpectedHomes } from './expected.ts'
import { createMessageWriter } from './messages.ts'
import { planPass } from './pass.ts'
import type { SteadyClock } from './steady-clock.ts'

/** Somebody else was faster so often in a row: left to the next hint or sweep. */
const MAX_RACES = 20
/** A home with more inputs than one pass takes is passed over again at once, but not for ever. */
const MAX_PASSES = 50

/** What became of the inputs that were folded, by their ids. */
export type Verdicts = Map<string, FoldVerdict | null>

type HomePassesOptions = {
  incidents: Incidents
  hints: Hints
  clock: Clock
  log: Log
  metrics: Metrics
  steady: SteadyClock
  publicUrl: string
  linkToken(outboxId: string): string
}
type Reporting = Pick<HomePassesOptions, 'log' | 'metrics'>

export type HomePasses = {
  expected: ExpectedHomes
  /** Folds what waits for this home and fires what is due. @throws when the database is away, or others are always faster */
  advance(homeId: string): Promise<Verdicts>
  /** A pass over an expected home with signals that are written together with it; null where that is not possible. */
  join(homeId: string, signals: readonly Signal[], isAlone: boolean): Promise<JointCommit | null>
  sendWith(sender: SenderAtHand): void
}

export function createHomePasses(options: HomePassesOptions): HomePasses {
  const { incidents, hints, clock, metrics, steady } = options
  const write = createMessageWriter(options)
  const expected = createExpectedHomes(incidents, clock)
  let sender: SenderAtHand | null = null

  function plan(homeId: string, view: EscalationView): EscalationCommit | null {
    const nowMs = Math.floor(steady.steady(view.nowMs, clock.monotonicMs()))
    return planPass(homeId, view, nowMs, write, (what, error) => reportRefused(homeId, what, error, options))
  }

  /** It stands. */
  function passed(commit: EscalationCommit, claim: Claim): void {
    reportUnreached(commit, options)
    if (commit.messages.length > claim.messages.length) hints.hint('outbox', '')
  }

  /** One read and one commit; repeated where another worker was faster. Says whether more inputs wait. */
  async function pass(homeId: string, verdicts: Verdicts): Promise<boolean> {
    for (let race = 0; race < MAX_RACES; race += 1) {
      const atHand = await expected.take(homeId)
      if (atHand !== null) metrics.count('anlin_homes_read_ahead_total')
      const view = atHand ?? (await incidents.readHome(homeId))
      const commit = plan(homeId, view)
      if (commit === null) return false
      const claim = await commitPass(commit, sender, (claimed) => incidents.commit(commit, claimed))
      if (claim === null) {
        metrics.count('anlin_incident_conflicts_total')
        continue
      }
      for (const { inputId, result } of commit.inputs) verdicts.set(inputId, result)
      passed(commit, claim)
      return view.moreInputs
    }
    throw new Error(`advance home ${homeId}: lost the race ${MAX_RACES} times`)
  }

  async function advance(homeId: string): Promise<Verdicts> {
    const verdicts: Verdicts = new Map()
    for (let passes = 0; passes < MAX_PASSES && (await pass(homeId, verdicts)); passes += 1);
    return verdicts
  }

  return {
    expected,
    advance,
    async join(homeId, signals, isAlone) {
      const view = await expected.join(homeId, signals, isAlone)
      if (view !== null) metrics.count('anlin_homes_read_ahead_total')
      const commit = view && unlessItThrows(() => plan(homeId, view))
      if (!commit) return null
      return async (fold) => {
        const claim = await commitPass(commit, sender, (claimed) => incidents.commitWithFold(fold, commit, claimed))
        metrics.count(claim === null ? 'anlin_incident_conflicts_total' : 'anlin_alarms_in_one_commit_total')
        if (claim !== null) passed(commit, claim)
        return claim !== null
      }
    },
    sendWith(given) {
      sender = given
    },
  }
}

/** What cannot be planned goes the longer way, which says so: it must keep no other home's fold from being committed. */
function unlessItThrows<Made>(make: () => Made): Made | null {
  try {
    return make()
  } catch {
    return null
  }
}

/** @returns what of its messages the sender has got already; null: somebody else was faster */
async function commitPass(
  commit: EscalationCommit,
  sender: SenderAtHand | null,
  write: (claim: ClaimAtOnce | null) => Promise<Claim | null>,
): Promise<Claim | null> {
  const critical = commit.messages.filter((message) => isCritical(message.priority))
  const reservation = critical.length > 0 && sender !== null ? sender.reserve(critical.length) : null
  if (reservation === null) return write(null)
  let claim: Claim | null
  try {
    claim = await write(reservation)
  } catch (error) {
    // An answer that was lost says nothing of whether it was written.
    const asked = critical.slice(0, reservation.room)
    reservation.giveBack(asked.map(({ outboxId }) => ({ homeId: commit.homeId, outboxId })))
    throw error
  }
  reservation.send(claim ?? { nowMs: 0, messages: [] })
  return claim
}

function reportRefused(homeId: string, what: string, error: unknown, { log, metrics }: Reporting): void {
  log.error({ homeId, what, error: error instanceof Error ? error.name : 'unknown' }, 'the fold refused this')
  metrics.count('anlin_incident_fold_errors_total')
}

/** Loudly, and at the very step: a rota with a hole in it must not be found out only when nobody at all is left. */
function reportUnreached({ homeId, events }: EscalationCommit, { log, metrics }: Reporting): void {
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
