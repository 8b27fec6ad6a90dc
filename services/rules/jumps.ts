import type { RulesMemory } from './memory.ts'

/**
 * To be called with the last epoch that was read, before anything read with it is folded: another worker or an entrance
 * may have recorded a jump. @param isNews a jump was recorded just now
 */
export async function learnJumps<State>(memory: RulesMemory<State>, epoch: number, isNews = false): Promise<void> {
  if (!isNews && epoch <= memory.epochSeen) return
  memory.jumps = await memory.store.readClockJumps(memory.epochTaken)
  memory.epochSeen = memory.jumps.at(-1)?.epoch ?? epoch
  if (memory.jumps.length === 0) memory.epochTaken = epoch
}

/** Before timers fire: while no entrance is open, nobody is silent. */
export async function excuseSilence<State>(memory: RulesMemory<State>): Promise<void> {
  const gapMs = await memory.store.recordClosedEntrance()
  if (gapMs === 0) return
  memory.log.warn({ gapMs }, 'no entrance is open: homes cannot be heard, and none is called silent for it')
  await learnJumps(memory, memory.epochSeen, true)
}
