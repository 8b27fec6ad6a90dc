/** One message with a code that went to the phone the reply came from. */
export type ToldRow = {
  homeId: string
  incidentId: string
  code: number
  toldAt: number
  status: 'open' | 'acknowledged' | 'resolved'
}

export type WhichIncident<Row extends ToldRow> =
  | { type: 'incident'; row: Row }
  /** More than one could be meant, or the code is none of theirs: the answer lists these, newest first. */
  | { type: 'ask'; choices: Row[] }
  | { type: 'nothing-open' }

/** A bare `1` means the one incident told within this; longer ago nobody remembers which it was. */
const BARE_REPLY_WITHIN_MS = 30 * 60_000

/** Providers give whole seconds on a clock of their own: a message this much "later" than its answer was answered. */
export const CLOCK_SLACK_MS = 5000

/**
 * Which incident a reply means. It is judged as of the moment it was written (`asOf`, the provider's time of
 * sending), not when it reached us: what was told later cannot have been meant. A closed incident counts too, so
 * that a late "1" is answered "already over" and never taken for another one.
 */
export function whichIncident<Row extends ToldRow>(
  code: number | null,
  toldRows: readonly Row[],
  asOf: number,
): WhichIncident<Row> {
  const told = newestPerIncident(toldRows.filter((row) => row.toldAt <= asOf + CLOCK_SLACK_MS))
  const recent = told.filter((row) => row.toldAt > asOf - BARE_REPLY_WITHIN_MS)
  // A code may come again after 72 h; the newest message that carried it is the one answered.
  const meant = code === null ? recent : told.filter((row) => row.code === code).slice(0, 1)
  const [only] = meant
  if (only && meant.length === 1) return { type: 'incident', row: only }
  const choices = told.filter((row) => row.status !== 'resolved' || recent.includes(row))
  return choices.length > 0 ? { type: 'ask', choices } : { type: 'nothing-open' }
}

function newestPerIncident<Row extends ToldRow>(rows: readonly Row[]): Row[] {
  const newest = new Map<string, Row>()
  for (const row of rows) {
    const key = JSON.stringify([row.homeId, row.incidentId])
    const known = newest.get(key)
    if (!known || row.toldAt > known.toldAt) newest.set(key, row)
  }
  return [...newest.values()].sort((a, b) => b.toldAt - a.toldAt)
}
