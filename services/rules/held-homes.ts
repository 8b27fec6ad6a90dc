import type { RulesMemory } from './memory.ts'

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
