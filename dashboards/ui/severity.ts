import type { Severity } from './api-types.ts'

/** A shape for each priority, so that colour never says it alone. */
export const severityShape: Record<Severity, string> = { critical: '◆', warning: '▲', technical: '■' }

const rank: Record<Severity, number> = { critical: 0, warning: 1, technical: 2 }

export function bySeverity(a: { severity: Severity }, b: { severity: Severity }): number {
  return rank[a.severity] - rank[b.severity]
}
