import type { Incident } from './api-types.ts'

/** Says each critical incident once. What was there when the page was opened is read, not announced. */
export function criticalAnnouncer(): (incidents: Incident[]) => Incident[] {
  let known: Set<string> | null = null
  return (incidents) => {
    const critical = incidents.filter((incident) => incident.severity === 'critical')
    const fresh = known === null ? [] : critical.filter((incident) => !known?.has(incident.id))
    known = new Set(critical.map((incident) => incident.id))
    return fresh.filter((incident) => incident.status === 'open')
  }
}
