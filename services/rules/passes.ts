import { setTimeout as sleep } from 'node:timers/promises'
import { homesToAdvance } from '../core/signal.ts'
import type { LogPosition, RaisedInput, ShardCursor } from '../ports.ts'
import { commitPass, forgetPass } from './commit-pass.ts'
import { type FoldedPass, foldPass, type PassInput } from './fold-pass.ts'
import { shardsOfHeldAlarms } from './held-homes.ts'
import { learnJumps } from './jumps.ts'
import { HIDDEN_PAUSE_MS, type RulesMemory } from './memory.ts'
import { type ReadRows, readShards } from './reading.ts'

/** From here on a shard lags, and homes with urgent rows go first. */
const LAG_MS = 1_000
/** Who lost a compare-and-set waits this long times the losses in a row, by chance up to half of it less. */
const CONFLICT_PAUSE_MS = 10
const MAX_CONFLICT_PAUSE_MS = 500
const MAX_HIDDEN_PAUSE_MS = 20

/**
 * Reads, folds and commits what is new in the shards that are ready, up to the rows of one pass. Where more is left the
 * commit is still under way at the end: the next pass reads and folds meanwhile, as if it had succeeded, and if not is
 * thrown away.
 */
export async function passShards<State>(memory: RulesMemory<State>): Promise<void> {
  const { pace, clock } = memory
  const { shards, limitPerShard } = takeReady(memory)
  memory.passing = new Set(shards)
  try {
    if (shards.length > 0) await passReady(memory, shards, limitPerShard)
  } finally {
    memory.passing = new Set()
  }
  // Rows that came since this commit began are hidden by it, so reading on before its end pays only for a backlog.
  // And where a shard was left to an alarm, that waits for this very commit.
  if (shards.length === 0 || pace.readyInMs(clock.monotonicMs(), memory.alarming) !== 0) await settle(memory)
}

/** Waits for the commit under way. @returns whether it stands; true where there was none */
export async function settle<State>(memory: RulesMemory<State>): Promise<boolean> {
  const { underway } = memory
  memory.underway = null
  return underway === null || (await underway.done)
}

async function passReady<State>(memory: RulesMemory<State>, shards: readonly number[], limit: number): Promise<void> {
  const { read, release } = await readShards(memory, shards, limit)
  let isUnderway = false
  try {
    const input = await takeIn(memory, read, limit)
    if (input.cursors.length > 0) isUnderway = await foldAhead(memory, input, release)
  } catch (error) {
    memory.kept.forget(shards)
    throw error
  } finally {
    if (!isUnderway) release()
  }
}

/** What the read says of its shards, and what there is to fold. */
async function takeIn<State>(
  memory: RulesMemory<State>,
  { rows, nowMs, epoch, ...read }: ReadRows,
  limit: number,
): Promise<PassInput> {
  const { pace, overdue, clock } = memory
  await learnJumps(memory, epoch)
  const atMs = clock.monotonicMs()
  const cursors: ShardCursor[] = []
  const before: LogPosition[] = []
  const rowsByShard = Map.groupBy(rows, (row) => row.shard)
  pace.passed(rows.length, atMs)
  for (const cursor of read.cursors) {
    const own = rowsByShard.get(cursor.shard) ?? []
    const isFull = own.length >= limit
    pace.found(cursor.shard, { rows: own.length, homes: new Set(own.map((row) => row.homeId)).size, isFull }, atMs)
    const isBehind = isFull || nowMs - (own[0]?.receivedAt ?? nowMs) > LAG_MS
    if (isBehind && !read.atHand) overdue.add(cursor.shard)
    else overdue.delete(cursor.shard)
    const last = own.at(-1)
    if (!last) continue
    cursors.push({ ...cursor, xid: last.xid, id: last.id, passedAtMs: last.receivedAt })
    before.push(cursor)
  }
  for (const { shard } of read.hidden) pace.hurry(shard)
  const allHidden = rows.length === 0 && read.hidden.length > 0
  // It may be our own commit that hides them.
  if (allHidden && memory.underway) await settle(memory)
  else await pauseWhileHidden(memory, allHidden)
  return { rows, cursors, before, dueHomes: [], nowMs, jumps: memory.jumps }
}

/**
 * Folds at once, begins to commit when the commit before stands, and leaves it under way: `release` then follows its end.
 * @returns whether it is under way
 */
async function foldAhead<State>(memory: RulesMemory<State>, input: PassInput, release: () => void): Promise<boolean> {
  const startMs = memory.clock.monotonicMs()
  const pass = await foldPass(memory, input)
  let stands = false
  try {
    stands = await settle(memory)
  } finally {
    if (!stands) forgetPass(memory, pass)
  }
  if (!stands) {
    readAnew(memory, input.cursors)
    return false
  }
  const cursors = input.cursors.map((cursor) => ({ ...cursor, version: cursor.version + 1 }))
  const underway = { done: Promise.resolve(false), cursors }
  // From that moment on nobody may read ahead of it.
  const onLost = () => {
    underway.cursors = []
  }
  underway.done = commitAndTell(memory, pass, startMs, onLost)
  // A failure is for whoever settles it, which may be later.
  underway.done.then(release, release)
  memory.underway = underway
  return true
}

/** A commit that was to move them did not, so where they stand is only in the database. */
function readAnew<State>({ kept, pace }: RulesMemory<State>, cursors: readonly ShardCursor[]): void {
  kept.forget(cursors.map((cursor) => cursor.shard))
  for (const { shard } of cursors) pace.hurry(shard)
}

/** Rows that an open transaction hides come to sight when it ends, which nobody tells. */
export async function pauseWhileHidden(memory: { hiddenPauseMs: number }, allHidden: boolean): Promise<void> {
  if (allHidden) await sleep(memory.hiddenPauseMs)
  memory.hiddenPauseMs = allHidden ? Math.min(memory.hiddenPauseMs * 2, MAX_HIDDEN_PAUSE_MS) : HIDDEN_PAUSE_MS
}

/**
 * None whose alarms are being folded, and once none where an alarm waits for its home; and after a lost race only half of the
 * shards, by chance: two workers on the same ones drift apart.
 */
function takeReady<State>(memory: RulesMemory<State>): { shards: number[]; limitPerShard: number } {
  const { pace, clock, lostInARow, alarming, yielded } = memory
  memory.yielded = new Set(shardsOfHeldAlarms(memory).filter((shard) => !yielded.has(shard)))
  const ready = pace.take(clock.monotonicMs(), new Set([...alarming, ...memory.yielded]))
  const shards = lostInARow === 0 ? ready.shards : ready.shards.filter((_, i) => i === 0 || Math.random() < 0.5)
  for (const shard of ready.shards) {
    if (shards.includes(shard)) continue
    if (ready.hurried.has(shard)) pace.hurry(shard)
    else pace.mark(shard)
  }
  return { ...ready, shards }
}

/** Homes that have nothing to do with the commit under way. */
export async function foldAndCommit<State>(memory: RulesMemory<State>, input: PassInput): Promise<boolean> {
  const startMs = memory.clock.monotonicMs()
  return commitAndTell(memory, await foldPass({ ...memory, underway: null, decoded: null }, input), startMs)
}

/** @param onLost called as soon as it is known that it does not stand, before its homes are free */
async function commitAndTell<State>(
  memory: RulesMemory<State>,
  pass: FoldedPass,
  startMs: number,
  onLost: () => void = () => undefined,
): Promise<boolean> {
  const { metrics, clock } = memory
  const { input } = pass
  const raised = await commitPass(memory, pass).catch((error: unknown) => {
    onLost()
    readAnew(memory, input.cursors)
    throw error
  })
  metrics.observe('anlin_fold_pass_seconds', (clock.monotonicMs() - startMs) / 1000)
  if (raised === null) {
    memory.lostInARow += 1
    metrics.count('anlin_fold_conflicts_total')
    onLost()
    readAnew(memory, input.cursors)
    const pauseMs = Math.min(CONFLICT_PAUSE_MS * memory.lostInARow, MAX_CONFLICT_PAUSE_MS)
    await sleep(pauseMs * (0.5 + Math.random() / 2))
    return false
  }
  memory.lostInARow = 0
  memory.done += input.rows.length + input.dueHomes.length
  metrics.count('anlin_rows_folded_total', input.rows.length)
  tellEscalation(memory, raised)
  handOver(memory, pass)
  return true
}

/** In this process, or wherever it runs. */
function tellEscalation<State>({ escalation, hints }: RulesMemory<State>, raised: RaisedInput[]): void {
  if (raised.length === 0) return
  if (escalation !== null) escalation.take(raised)
  else for (const homeId of homesToAdvance(raised)) hints.hint('incident', homeId)
}

/** Shard by shard, those of which every row was decoded here. The pass stands already, whatever becomes of it. */
function handOver<State>({ decoded: sink, log }: RulesMemory<State>, pass: FoldedPass): void {
  if (sink === null) return
  const { input, decoded, skipped } = pass
  const rowsByShard = Map.groupBy(decoded, ({ row }) => row.shard)
  try {
    for (const [index, to] of input.cursors.entries()) {
      const from = input.before[index]
      if (from && !skipped.has(to.shard)) sink.offer({ from, to, rows: rowsByShard.get(to.shard) ?? [] })
    }
  } catch (err) {
    log.error({ err }, 'what was decoded could not be handed over: it is read from the log')
  }
}
