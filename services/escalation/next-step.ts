import { type Facts, peopleFor } from '../core/escalation/people.ts'
import { CRITICAL_LAST_RESORT, type Target } from '../core/escalation/policy.ts'
import type { Incident } from '../core/incident/incident.ts'
import type { NextStep } from '../ports.ts'

/** Who is told next and when, as far as is known now; null where nobody is. For the pages: the fold decides anew. */
export function nextStepOf(incident: Incident, facts: Facts): NextStep | null {
  const at = incident.due.step
  if (incident.status !== 'open' || at === null) return null
  const names = nextTargets(incident)
    .flatMap((target) => peopleFor(target, facts))
    .map((person) => person.name)
  return { at, who: names.length > 0 ? [...new Set(names)].join(', ') : null }
}

function nextTargets({ policy, position, severity }: Incident): Target[] {
  const inThisRound = position.round <= position.lastRound ? policy.steps[position.nextStep] : undefined
  const next = inThisRound ?? (position.round < position.lastRound ? policy.steps[0] : undefined)
  if (next) return [next.target]
  const lastResort = policy.lastResort ?? (severity === 'critical' ? CRITICAL_LAST_RESORT : null)
  return lastResort?.targets ?? []
}
