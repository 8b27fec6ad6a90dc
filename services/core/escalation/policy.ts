import type { IncidentKind, Severity } from '../signal.ts'

/**
 * Who is told, in which order and how long after: data, not code. The policy is copied into the incident when it
 * opens, so a change of settings never moves an incident that is already running. All figures in seconds.
 */

/**
 * Whom a step addresses; `people.ts` turns a target into persons at the moment the step is due. `second-contact` is the
 * second family member; a home that has none has a neighbour or a property manager told instead, in an emergency only:
 * what a sleep mat measured is not a neighbour's business.
 */
export type Target = 'keyholder' | 'second-family' | 'second-contact' | 'on-call' | 'supervisor' | 'community-on-call'

type PolicyStep = {
  /** After the start of the round. Steps stand in the order of their times. */
  afterS: number
  target: Target
  channel: 'sms'
}

export type EscalationPolicy = {
  steps: PolicyStep[]
  roundS: number
  rounds: number
  /** After the last round, for ever; null: the escalation ends there (never for a critical incident, P3). */
  lastResort: { everyS: number; targets: Target[] } | null
  /** A repeated press tells those already told again when nobody has taken it for so long. */
  retellAfterS: number
  /** A new alarm on a taken incident: "arrived" within this, or the escalation resumes. */
  arriveWithinS: number
  /** Taken but neither arrived nor resolved: asked after, and resumed when no answer comes within. Null: never asked. */
  taken: { askAfterS: number; answerWithinS: number } | null
}

export type Policies = {
  critical: EscalationPolicy
  fire: EscalationPolicy
  warning: EscalationPolicy
  technical: EscalationPolicy
}

/** P3 in one place: whatever the settings say, an unacknowledged critical incident is told again at least this often. */
export const CRITICAL_LAST_RESORT = { everyS: 600, targets: ['supervisor', 'community-on-call'] satisfies Target[] }
/** Arrived and not closed: asked after this whether they are still on it, as on the way (our own judgement, J). */
export const ARRIVED_ASK_AFTER_S = 1800
/** A shorter round or repetition than this would flood phones; below it, this counts. */
export const SHORTEST_REPEAT_S = 60

const CRITICAL: EscalationPolicy = {
  steps: [
    { afterS: 0, target: 'keyholder', channel: 'sms' },
    { afterS: 45, target: 'second-contact', channel: 'sms' },
    { afterS: 90, target: 'on-call', channel: 'sms' },
    { afterS: 300, target: 'supervisor', channel: 'sms' },
  ],
  roundS: 600,
  rounds: 3,
  lastResort: CRITICAL_LAST_RESORT,
  retellAfterS: 60,
  arriveWithinS: 60,
  taken: { askAfterS: 600, answerWithinS: 120 },
}

/** Our own judgement, as are all figures here: the defaults of the platform. No route sets a home's own yet. */
export const DEFAULT_POLICIES: Policies = {
  critical: CRITICAL,
  // Smoke, gas and CO: the worker who can open the door is told in parallel with the family.
  fire: {
    ...CRITICAL,
    steps: [
      { afterS: 0, target: 'keyholder', channel: 'sms' },
      { afterS: 0, target: 'on-call', channel: 'sms' },
      { afterS: 45, target: 'second-contact', channel: 'sms' },
      { afterS: 300, target: 'supervisor', channel: 'sms' },
    ],
  },
  warning: {
    steps: [
      { afterS: 0, target: 'keyholder', channel: 'sms' },
      { afterS: 300, target: 'second-family', channel: 'sms' },
      { afterS: 900, target: 'on-call', channel: 'sms' },
      { afterS: 2700, target: 'supervisor', channel: 'sms' },
    ],
    roundS: 3600,
    rounds: 2,
    lastResort: null,
    retellAfterS: 60,
    arriveWithinS: 60,
    // Reminded after 15 min, escalated after 45.
    taken: { askAfterS: 900, answerWithinS: 1800 },
  },
  // The desk's queue only: nobody's phone rings for a battery.
  technical: { steps: [], roundS: 3600, rounds: 0, lastResort: null, retellAfterS: 60, arriveWithinS: 60, taken: null },
}

export function policyFor(kind: IncidentKind, severity: Severity, policies: Policies): EscalationPolicy {
  switch (severity) {
    case 'critical':
      return kind === 'smoke' || kind === 'gas' || kind === 'co' ? policies.fire : policies.critical
    case 'warning':
      return policies.warning
    case 'technical':
      return policies.technical
  }
}
