import { homesToAdvance } from '../core/signal.ts'
import type { FoldCommit, RaisedInput } from '../ports.ts'
import type { FoldedPass, PassParts } from './fold-pass.ts'

/**
 * One statement, and nothing is held open before it: whoever was frozen meanwhile finds the versions moved, and throws
 * its work away.
 * @returns its signals as they were written, unless the escalation has them already; null: it does not stand
 */
export async function commitPass<State>(parts: PassParts<State>, pass: FoldedPass): Promise<RaisedInput[] | null> {
  const { commit } = pass
  if (commit.homes.length === 0 && commit.cursors.length === 0) return []
  let raised: RaisedInput[] | null = null
  try {
    raised = (await commitJointly(parts, commit)) ?? (await parts.store.commit(commit))
  } finally {
    if (raised === null) forgetPass(parts, pass)
  }
  if (raised === null) return null
  for (const { code } of commit.rejections) parts.metrics.count('anlin_messages_rejected_total', 1, { code })
  return raised
}

/** An alarm and what is done of it, in one commit. Null: nothing is written yet. */
async function commitJointly<State>(
  { escalation }: PassParts<State>,
  commit: FoldCommit,
): Promise<RaisedInput[] | null> {
  const { signals } = commit
  const homeId = signals[0]?.homeId
  if (escalation === null || homeId === undefined || homesToAdvance(signals).size === 0) return null
  if (signals.some((signal) => signal.homeId !== homeId)) return null
  const joint = await escalation.join(
    homeId,
    signals.map(({ signal }) => signal),
    commit.homes.length === 1,
  )
  return joint !== null && (await joint(commit)) ? [] : null
}

export function forgetPass<State>(parts: Pick<PassParts<State>, 'cache'>, pass: FoldedPass): void {
  for (const homeId of pass.homeIds) parts.cache.forget(homeId)
}
