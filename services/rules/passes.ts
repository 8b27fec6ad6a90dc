import { setTimeout as sleep } from 'node:timers/promises'
import type {
  Clock,
  ClockJump,
  DueHome,
  FoldStore,
  Hints,
  HomeKey,
  Log,
  LogRow,
  Metrics,
  ShardCursor,
} from '../ports.ts'
import { commitPass, type FoldedPass, foldPass, forgetPass, type PassInput } from './fold-pass.ts'
import { createHomeCache, type HomeCache } from './home-cache.ts'
import type { HomeFold } from './home-fold.ts'

/** Rows of one pass: small when idle, so that a press never waits long; grown while passes come back full. */
const MIN_ROWS_PER_PASS = 512
const MAX_ROWS_PER_PASS = 2_048
const MIN_ROWS_PER_SHARD = 32
/** From here on a shard lags, and homes with urgent rows go first. */
const LAG_MS = 1_000
/** While shards lag, urgent homes are looked for this often: a press is folded within a second whatever waits. */
const URGENT_LOOK_MS = 250
const URGENT_ROWS_PER_SHARD = 50
/** Finding one home's rows means reading through its shard's backlog, so only so many lagging shards at once. */
const LAGGING_SHARDS_AT_ONCE = 8
const HOME_ROWS_PER_SHARD = 500
/** Homes visited for their timers in one pass; when there are more, the next pass follows at once. */
const MAX_DUE_HOMES = 500
/** Who lost a compare-and-set waits this long times the losses in a row, by chance up to half of it less. */
const CONFLICT_PAUSE_MS = 10
const MAX_CONFLICT_PAUSE_MS = 500
/** Rows that an open transaction hides are looked for again soon: it mostly lasts no longer than a commit. */
const HIDDEN_PAUSE_MS = 2
const MAX_HIDDEN_PAUSE_MS = 20

export type RulesParts<State> = {
  store: FoldStore
  fold: HomeFold<State>
  hints: Hints
  clock: Clock
  log: Log
  metrics: Metrics
  /** The shards this worker answers for; several workers may answer for the same. */
  shards: readonly number[]
}

/** What the passes of one worker remember. All of it may be lost at any moment: the database is the truth. */
export type RulesMemory<State> = RulesParts<State> & {
  cache: HomeCache<State>
  /** Shards that a hint, a sweep or a full pass says have unread rows. */
  dirty: Set<number>
  /** Shards whose next unread row has waited longer than LAG_MS, or that had more rows than a pass takes. */
  overdue: Set<number>
  rowsPerPass: number
  /** The pass whose commit is under way. Whoever folds anything but the next rows of the shards waits for it. */
  underway: { done: Promise<boolean>; cursors: readonly ShardCursor[] } | null
  /** Rows passed and homes visited so far. */
  done: number
  lostInARow: number
  hiddenPauseMs: number
  urgentLookedAt: number
  /** Clock jumps that some homes may not have taken in yet, and the epoch up to which all have. */
  jumps: ClockJump[]
  epochTaken: number
}

export function createMemory<State>(parts: RulesParts<State>): RulesMemory<State> {
  return {
    ...parts,
    cache: createHomeCache(),
    dirty: new Set(),
    overdue: new Set(),
    rowsPerPass: MIN_ROWS_PER_PASS,
    underway: null,
    done: 0,
    lostInARow: 0,
    hiddenPauseMs: HIDDEN_PAUSE_MS,
    urgentLookedAt: Number.NEGATIVE_INFINITY,
    jumps: [],
    epochTaken: -1,
  }
}

/**
 * Reads, folds and commits what is new in the dirty shards, up to the rows of one pass. Where more is left the commit is
 * still under way at the end: the next pass reads and folds meanwhile, as if it had succeeded, and if not is thrown away.
 */
export async function passShards<State>(memory: RulesMemory<State>): Promise<void> {
  const shards = takeDirty(memory)
  const isMoreLeft = shards.length > 0 && (await passDirty(memory, shards))
  // Rows that came since this commit began are hidden by it, so reading on before its end pays only for a backlog.
  if (!isMoreLeft) await settle(memory)
}

/** Waits for the commit under way. @returns whether it stands; true where there was none */
export async function settle<State>(memory: RulesMemory<State>): Promise<boolean> {
  const { underway } = memory
  memory.underway = null
  return underway === null || (await underway.done)
}

/** @returns whether some shard had more rows than it was asked for */
async function passDirty<State>(memory: RulesMemory<State>, shards: readonly number[]): Promise<boolean> {
  const limitPerShard = Math.max(MIN_ROWS_PER_SHARD, Math.ceil(memory.rowsPerPass / shards.length))
  const ahead = memory.underway?.cursors ?? []
  const { rows, nowMs, ...read } = await memory.store.readUnread({ shards, limitPerShard, ahead })
  for (const shard of read.hidden) memory.dirty.add(shard)
  await pauseWhileHidden(memory, rows.length === 0 && read.hidden.length > 0)
  const cursors: ShardCursor[] = []
  const rowsByShard = Map.groupBy(rows, (row) => row.shard)
  let full = false
  for (const cursor of read.cursors) {
    const own = rowsByShard.get(cursor.shard) ?? []
    const isFull = own.length >= limitPerShard
    if (isFull) memory.dirty.add(cursor.shard)
    full ||= isFull
    if (isFull || nowMs - (own[0]?.receivedAt ?? nowMs) > LAG_MS) memory.overdue.add(cursor.shard)
    else memory.overdue.delete(cursor.shard)
    const last = own.at(-1)
    if (last) cursors.push({ ...cursor, xid: last.xid, id: last.id, passedAtMs: last.receivedAt })
  }
  memory.rowsPerPass = full
    ? Math.min(memory.rowsPerPass * 2, MAX_ROWS_PER_PASS)
    : Math.max(MIN_ROWS_PER_PASS, Math.min(memory.rowsPerPass, rows.length * 2))
  if (cursors.length > 0) await foldAhead(memory, { rows, cursors, dueHomes: [], nowMs, jumps: memory.jumps })
  return full
}

/** Folds at once, begins to commit when the commit before stands, and leaves it under way. */
async function foldAhead<State>(memory: RulesMemory<State>, input: PassInput): Promise<void> {
  const startMs = memory.clock.monotonicMs()
  const pass = await foldPass(memory, input)
  let stands = false
  try {
    stands = await settle(memory)
  } finally {
    if (!stands) forgetPass(memory, pass)
  }
  if (!stands) {
    for (const { shard } of input.cursors) memory.dirty.add(shard)
    return
  }
  const done = commitAndTell(memory, pass, startMs)
  // A failure is for whoever settles it, which may be later.
  done.catch(() => undefined)
  memory.underway = { done, cursors: input.cursors.map((cursor) => ({ ...cursor, version: cursor.version + 1 })) }
}

async function pauseWhileHidden<State>(memory: RulesMemory<State>, allHidden: boolean): Promise<void> {
  // It may be our own commit that hides them.
  if (allHidden && memory.underway) return void (await settle(memory))
  if (allHidden) await sleep(memory.hiddenPauseMs)
  memory.hiddenPauseMs = allHidden ? Math.min(memory.hiddenPauseMs * 2, MAX_HIDDEN_PAUSE_MS) : HIDDEN_PAUSE_MS
}

/** After a lost race only half of the shards, by chance: two workers on the same ones drift apart. */
function takeDirty<State>(memory: RulesMemory<State>): number[] {
  const shards = [...memory.dirty].filter((_, index, all) => {
    return memory.lostInARow === 0 || all.length === 1 || index === 0 || Math.random() < 0.5
  })
  for (const shard of shards) memory.dirty.delete(shard)
  return shards
}

/**
 * While shards lag: homes with urgent rows first, each completely in its own order, the ordinary rows before the urgent
 * one included. The shard's own pass later skips what the home's position says is done.
 */
export async function passUrgent<State>(memory: RulesMemory<State>): Promise<void> {
  const nowMs = memory.clock.monotonicMs()
  if (memory.overdue.size === 0 || nowMs - memory.urgentLookedAt < URGENT_LOOK_MS) return
  const shards = [...memory.overdue]
  const urgent = await memory.store.readUrgentHomes({ shards, limitPerShard: URGENT_ROWS_PER_SHARD })
  // More of them than one pass takes: the next look follows at once.
  memory.urgentLookedAt = shardsLeftForLater(memory, urgent).size > 0 ? Number.NEGATIVE_INFINITY : nowMs
  await passHomes(memory, urgent, [])
}

/**
 * Fires due timers, tells homes of new facts and of clock jumps: each only when none of its rows is unread any more.
 * @returns whether there is more of it to do at once
 */
export async function passTimers<State>(memory: RulesMemory<State>): Promise<boolean> {
  const homes = await memory.store.readDueHomes(MAX_DUE_HOMES)
  await passHomes(memory, homes, homes)
  const jump = memory.jumps.at(-1)
  if (jump === undefined) return homes.length >= MAX_DUE_HOMES
  const behind = await memory.store.readHomesBeforeEpoch(jump.epoch, MAX_DUE_HOMES)
  await passHomes(memory, behind, behind)
  if (behind.length === 0) {
    memory.epochTaken = jump.epoch
    memory.jumps = []
  }
  return homes.length >= MAX_DUE_HOMES || behind.length >= MAX_DUE_HOMES
}

/** @param due of them those whose timers are to be fired, once all their rows are folded */
async function passHomes<State>(
  memory: RulesMemory<State>,
  asked: readonly HomeKey[],
  due: readonly DueHome[],
): Promise<void> {
  const left = shardsLeftForLater(memory, asked)
  const homes = asked.filter((home) => !left.has(home.shard))
  if (homes.length === 0) return
  await settle(memory)
  const { rows, nowMs, hiddenHomes } = await memory.store.readHomeRows({ homes, limitPerShard: HOME_ROWS_PER_SHARD })
  const unfinished = new Set(left)
  for (const [shard, own] of Map.groupBy(rows, (row: LogRow) => row.shard)) {
    if (own.length >= HOME_ROWS_PER_SHARD) unfinished.add(shard)
  }
  const dueHomes = due.filter((home) => !unfinished.has(home.shard) && !hiddenHomes.has(home.homeId))
  await foldAndCommit(memory, { rows, cursors: [], dueHomes, nowMs, jumps: memory.jumps })
}

/** Of the lagging shards that these homes are in, all but the first few. */
function shardsLeftForLater<State>(memory: RulesMemory<State>, homes: readonly HomeKey[]): Set<number> {
  const lagging = new Set(homes.map((home) => home.shard).filter((shard) => memory.overdue.has(shard)))
  return new Set([...lagging].slice(LAGGING_SHARDS_AT_ONCE))
}

async function foldAndCommit<State>(memory: RulesMemory<State>, input: PassInput): Promise<boolean> {
  const startMs = memory.clock.monotonicMs()
  return commitAndTell(memory, await foldPass(memory, input), startMs)
}

async function commitAndTell<State>(memory: RulesMemory<State>, pass: FoldedPass, startMs: number): Promise<boolean> {
  const { metrics, hints, clock } = memory
  const { input, commit } = pass
  const committed = await commitPass(memory, pass)
  metrics.observe('anlin_fold_pass_seconds', (clock.monotonicMs() - startMs) / 1000)
  if (!committed) {
    memory.lostInARow += 1
    metrics.count('anlin_fold_conflicts_total')
    for (const cursor of input.cursors) memory.dirty.add(cursor.shard)
    const pauseMs = Math.min(CONFLICT_PAUSE_MS * memory.lostInARow, MAX_CONFLICT_PAUSE_MS)
    await sleep(pauseMs * (0.5 + Math.random() / 2))
    return false
  }
  memory.lostInARow = 0
  memory.done += input.rows.length + input.dueHomes.length
  metrics.count('anlin_rows_folded_total', input.rows.length)
  for (const homeId of new Set(commit.signals.map((signal) => signal.homeId))) hints.hint('incident', homeId)
  return true
}
