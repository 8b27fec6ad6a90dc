import type { Difference } from './difference.ts'

/** More differences than this are counted and not listed. */
const MAX_LISTED = 1_000

type ReplayCounts = {
  homes: number
  rows: number
  signals: number
  passes: number
  incidents: number
  messages: number
}

/** What a replay has seen so far. Bounded, however much differs. */
export type ReplayReport = {
  counts: ReplayCounts
  differences: Difference[]
  /** Of all that was found, the listed ones included. */
  differenceCount: number
}

export function openReport(): ReplayReport {
  return {
    counts: { homes: 0, rows: 0, signals: 0, passes: 0, incidents: 0, messages: 0 },
    differences: [],
    differenceCount: 0,
  }
}

export function addDifference(report: ReplayReport, difference: Difference): void {
  report.differenceCount += 1
  if (report.differences.length < MAX_LISTED) report.differences.push(difference)
}

/** For people: one line of counts, one line for each difference. */
export function reportLines({ counts, differences, differenceCount }: ReplayReport): string[] {
  const figures = Object.entries(counts).map(([name, count]) => `${count.toLocaleString('en')} ${name}`)
  const lines = differences.map(({ homeId, what, id, detail }) => `${homeId}: ${what} ${id}: ${detail}`)
  const unlisted = differenceCount - differences.length
  if (unlisted > 0) lines.push(`and ${unlisted.toLocaleString('en')} more`)
  const verdict = differenceCount === 0 ? 'no difference' : `${differenceCount.toLocaleString('en')} differences`
  return [...lines, `replayed ${figures.join(', ')}`, verdict]
}
