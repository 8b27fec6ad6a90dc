import type { Incident } from '../ui/api-types.ts'
import { bySeverity } from '../ui/severity.ts'

/** What needs a person first: untaken before taken, then priority, then the oldest. */
export function queueOrder(incidents: Incident[]): Incident[] {
  return [...incidents].sort(
    (a, b) =>
      Number(a.status !== 'open') - Number(b.status !== 'open') ||
      bySeverity(a, b) ||
      Date.parse(a.openedAt) - Date.parse(b.openedAt) ||
      a.id.localeCompare(b.id),
  )
}
