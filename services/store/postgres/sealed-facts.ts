import type { Facts } from '../../core/escalation/people.ts'
import type { Sealing } from '../sealing.ts'

export type SealedFacts = { hash: Buffer; sealed: Buffer }

const known = new WeakMap<Facts, SealedFacts>()

/**
 * The facts that a pass went by, as it records them: kept once for each time they change, which the hash tells. Without the
 * used codes, which change with every message. Whoever reads a home for an alarm that is still being committed calls this
 * then, and the alarm's own way finds it done.
 */
export function sealFacts(facts: Facts, sealing: Sealing): SealedFacts {
  const done = known.get(facts)
  if (done) return done
  const { usedCodes: _usedCodes, ...lasting } = facts
  const text = JSON.stringify(lasting)
  const sealed = { hash: sealing.secretHash(text), sealed: sealing.seal(text) }
  known.set(facts, sealed)
  return sealed
}
