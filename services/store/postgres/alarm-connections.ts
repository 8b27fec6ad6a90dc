import type { EscalationCommit, EscalationView, FoldCommit } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import { commitFoldAndPass } from './joint-commit.ts'
import type { Database } from './pool.ts'
import { readHome } from './read-home.ts'

/** No home's id is empty. */
const NO_HOME = ''
/** Of a version that no cursor has: it loses its race. */
export const LOST_FOLD: FoldCommit = {
  cursors: [{ shard: 0, version: -1, xid: 0n, id: 0, passedAtMs: 0 }],
  homes: [],
  inputs: [],
  signals: [],
  rejections: [],
  changes: [],
}

/**
 * Opens all connections of this pool, and lets each plan what an alarm waits for, of a home that there is not and in a fold that
 * is refused: or the first alarms after the start would pay it, a tenth of a second each.
 * @throws when the database is away; then they plan it when they need it
 */
export async function planAlarms(alarms: Database, sealing: Sealing): Promise<void> {
  // Begun in one turn, so each has a connection of its own.
  const planned = await Promise.allSettled(Array.from({ length: alarms.options.max }, () => planOnOne(alarms, sealing)))
  for (const one of planned) if (one.status === 'rejected') throw one.reason
}

async function planOnOne(alarms: Database, sealing: Sealing): Promise<void> {
  const client = await alarms.connect()
  let failure: Error | undefined
  try {
    const view = await readHome(client, sealing, NO_HOME, 1)
    await commitFoldAndPass(client, sealing, LOST_FOLD, emptyCommitOf(view), null)
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
    throw failure
  } finally {
    client.release(failure)
  }
}

export function emptyCommitOf(view: EscalationView): EscalationCommit {
  return {
    homeId: NO_HOME,
    nowMs: view.nowMs,
    publicUrl: '',
    incidents: [],
    inputs: [],
    timers: [],
    events: [],
    messages: [],
    withdrawnOutboxIds: [],
    changedIncidentIds: [],
    usedCodes: {},
    view,
  }
}
