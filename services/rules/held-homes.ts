import type { RulesMemory } from './memory.ts'

/** Of a storm of alarms the next passes look at so many: each costs a look at all that is held. */
const MAX_ALARMS_LOOKED_AT = 64

/**
 * From before its state is taken from the cache until its commit is over, a home is in one hand only: the cache holds what
 * a commit under way will leave, and versions are numbers, so whoever went by a state that is lost later could commit on it.
 * (The pass that reads ahead of a commit does, and is thrown away with it.)
 * @returns gives them free, once
 */
export function holdHomes<State>(memory: RulesMemory<State>, homeIds: Iterable<string>): () => void {
  const held = new Set(homeIds)
  memory.held.add(held)
  return () => {
    if (memory.held.delete(held)) memory.freed()
  }
}

export function isHeld<State>({ held }: RulesMemory<State>, homeId: string): boolean {
  for (const homeIds of held) if (homeIds.has(homeId)) return true
  return false
}

/**
 * Shards with an alarm that waits until its home is free. A pass that read on in such a shard would have rows of that home
 * again, and the next one too: with a backlog behind it the alarm was not free before the last of it was folded.
 */
export function shardsOfHeldAlarms<State>(memory: RulesMemory<State>): number[] {
  const shards: number[] = []
  let looked = 0
  for (const [homeId, shard] of memory.urgent) {
    looked += 1
    if (looked > MAX_ALARMS_LOOKED_AT) break
    if (isHeld(memory, homeId)) shards.push(shard)
  }
  return shards
}
