import type { DueHome, HomeKey, HomeRows, LogRow } from '../ports.ts'
import { holdHomes, isHeld } from './held-homes.ts'
import { excuseSilence, learnJumps } from './jumps.ts'
import type { RulesMemory } from './memory.ts'
import { foldAndCommit, pauseWhileHidden, settle } from './passes.ts'

/** While shards lag, urgent homes whose hint was lost are looked for this often. */
const URGENT_LOOK_MS = 250
const URGENT_ROWS_PER_SHARD = 50
/** Finding one home's rows means reading through its shard's backlog, so only so many lagging shards at once. */
const LAGGING_SHARDS_AT_ONCE = 8
const HOME_ROWS_PER_SHARD = 500
/** Homes visited for their timers in one pass; when there are more, the next pass follows at once. */
const MAX_DUE_HOMES = 500
/** And in one commit: a home is held until it ends, and its alarm with it. */
const MAX_FIRED_AT_ONCE = 100

/** While shards lag: homes with alarms whose hint was lost. */
export async function lookForAlarms<State>(memory: RulesMemory<State>): Promise<void> {
  const nowMs = memory.clock.monotonicMs()
  if (memory.overdue.size === 0 || nowMs - memory.urgentLookedAt < URGENT_LOOK_MS) return
  memory.urgentLookedAt = nowMs
  const shards = [...memory.overdue]
  const found = await memory.store.readUrgentHomes({ shards, limitPerShard: URGENT_ROWS_PER_SHARD })
  if (found.length === 0) return
  await settle(memory)
  await foldAlarms(memory, found)
}

/**
 * Folds what these homes have said; those of whom more is left, or hidden, are hinted anew.
 * @returns whether something was hidden
 */
export async function foldAlarms<State>(memory: RulesMemory<State>, homes: readonly HomeKey[]): Promise<boolean> {
  const { left, hidden } = await passHomes(memory, homes, [])
  for (const { homeId, shard } of homes) {
    if (left.has(shard) || hidden.has(homeId)) memory.urgent.set(homeId, shard)
  }
  await pauseWhileHidden(memory, hidden.size > 0)
  return hidden.size > 0
}

/**
 * Fires due timers, tells homes of new facts and of clock jumps: each only when none of its rows is unread any more.
 * @returns whether there is more of it to do at once
 */
export async function passTimers<State>(memory: RulesMemory<State>): Promise<boolean> {
  const homes = await memory.store.readDueHomes(MAX_DUE_HOMES)
  if (homes.length > 0) await excuseSilence(memory)
  await settle(memory)
  await passDue(memory, homes)
  const jump = memory.jumps.at(-1)
  if (jump === undefined) return homes.length >= MAX_DUE_HOMES
  const behind = await memory.store.readHomesBeforeEpoch(jump.epoch, MAX_DUE_HOMES)
  await passDue(memory, behind)
  if (behind.length === 0) {
    memory.epochTaken = jump.epoch
    // The alarm lane may have learned of another meanwhile.
    memory.jumps = memory.jumps.filter((later) => later.epoch > jump.epoch)
  }
  return homes.length >= MAX_DUE_HOMES || behind.length >= MAX_DUE_HOMES
}

async function passDue<State>(memory: RulesMemory<State>, homes: readonly DueHome[]): Promise<void> {
  for (let first = 0; first < homes.length; first += MAX_FIRED_AT_ONCE) {
    const some = homes.slice(first, first + MAX_FIRED_AT_ONCE)
    await passHomes(memory, some, some)
  }
}

/**
 * @param due of them those whose timers are to be fired, once all their rows are folded
 * @returns the shards of which more is left to read, and the homes with rows that an open transaction hides
 */
async function passHomes<State>(
  memory: RulesMemory<State>,
  asked: readonly HomeKey[],
  due: readonly DueHome[],
): Promise<{ left: ReadonlySet<number>; hidden: ReadonlySet<string> }> {
  const left = shardsLeftForLater(memory, asked)
  const homes = asked.filter((home) => !left.has(home.shard) && !isHeld(memory, home.homeId))
  if (homes.length === 0) return { left, hidden: new Set() }
  const homeIds = new Set(homes.map((home) => home.homeId))
  const dueOfThem = due.filter((home) => homeIds.has(home.homeId))
  const release = holdHomes(memory, homeIds)
  try {
    return await passHeld(memory, homes, dueOfThem, left)
  } finally {
    release()
  }
}

async function passHeld<State>(
  memory: RulesMemory<State>,
  homes: readonly HomeKey[],
  due: readonly DueHome[],
  left: Set<number>,
): Promise<{ left: ReadonlySet<number>; hidden: ReadonlySet<string> }> {
  const { rows, nowMs, hiddenHomes, epoch } = await readHeld(memory, homes, due)
  await learnJumps(memory, epoch)
  for (const [shard, own] of Map.groupBy(rows, (row: LogRow) => row.shard)) {
    if (own.length >= HOME_ROWS_PER_SHARD) left.add(shard)
  }
  const dueHomes = due.filter((home) => !left.has(home.shard) && !hiddenHomes.has(home.homeId))
  const stands = await foldAndCommit(memory, { rows, cursors: [], before: [], dueHomes, nowMs, jumps: memory.jumps })
  if (stands) memory.kept.foldedAhead(rows)
  else for (const { shard } of homes) left.add(shard)
  return { left, hidden: hiddenHomes }
}

/**
 * Homes at hand are not read, but for those with timers: nothing that was stored before may be unfolded when they fire. Of
 * which nothing is here, though it is hinted, somebody else stored it.
 */
async function readHeld<State>(
  { kept, store }: RulesMemory<State>,
  homes: readonly HomeKey[],
  due: readonly DueHome[],
): Promise<HomeRows> {
  const dueIds = new Set(due.map((home) => home.homeId))
  const here = homes.filter(({ homeId, shard }) => !dueIds.has(homeId) && kept.isAtHand(shard))
  // Before anything is waited for: what is at hand now may not be later.
  const rows = kept.rowsOf(here, HOME_ROWS_PER_SHARD)
  const found = new Set(rows.map((row) => row.homeId))
  const missing = here.filter(({ homeId }) => !found.has(homeId))
  if (missing.length > 0) kept.forget(missing.map((home) => home.shard))
  const unread = homes.filter(({ homeId }) => !found.has(homeId))
  const { nowMs, epoch } = kept
  if (unread.length === 0) return { nowMs, epoch, rows, hiddenHomes: new Set() }
  const read = await store.readHomeRows({ homes: unread, limitPerShard: HOME_ROWS_PER_SHARD })
  return { ...read, epoch: Math.max(read.epoch, epoch), rows: [...read.rows, ...rows] }
}

/** Of the lagging shards that these homes are in, all but the first few. */
function shardsLeftForLater<State>(memory: RulesMemory<State>, homes: readonly HomeKey[]): Set<number> {
  const lagging = new Set(homes.map((home) => home.shard).filter((shard) => memory.overdue.has(shard)))
  return new Set([...lagging].slice(LAGGING_SHARDS_AT_ONCE))
}
