import { setImmediate as nextTurn } from 'node:timers/promises'
import { isAfter } from '../core/log-position.ts'
import type {
  Clock,
  ClockJump,
  DecodedRow,
  DecodedSink,
  DueHome,
  FoldCommit,
  FoldStore,
  Log,
  LogPosition,
  LogRow,
  Metrics,
  ShardCursor,
  SignalTaker,
} from '../ports.ts'
import type { CachedHome, HomeCache } from './home-cache.ts'
import {
  closeDraft,
  FOLD_ERROR,
  fireTimers,
  foldRow,
  type HomeDraft,
  openDraft,
  passRow,
  reject,
} from './home-draft.ts'
import type { HomeFold } from './home-fold.ts'

/** A home whose timer makes the fold throw is tried again after this long; the error is logged each time. */
const BROKEN_TIMER_RETRY_MS = 60_000
/**
 * After so long the event loop gets a turn: a press crosses it half a dozen times on its way, and each time it would wait for
 * what is in hand. Of 256 rows that was 4 to 9 ms under load, and up to 67.
 */
const LONGEST_TURN_MS = 2

export type PassParts<State> = {
  store: FoldStore
  fold: HomeFold<State>
  cache: HomeCache<State>
  clock: Clock
  log: Log
  metrics: Metrics
  /** Null: nobody in this process wants what was decoded. */
  decoded: DecodedSink | null
  /** Null: it runs in another process. */
  escalation: SignalTaker | null
  /** The pass before, where its commit is still under way. */
  underway: { done: Promise<unknown> } | null
}

/**
 * What one pass was given: rows in order per home, the cursors they lead to, where those stood `before`, and homes whose
 * timers are due.
 */
export type PassInput = {
  rows: readonly LogRow[]
  cursors: ShardCursor[]
  before: readonly LogPosition[]
  dueHomes: readonly DueHome[]
  nowMs: number
  jumps: ClockJump[]
}
/** `skipped`: shards of which some rows had been folded before, and so were not decoded here. */
export type FoldedPass = {
  input: PassInput
  homeIds: string[]
  commit: FoldCommit
  decoded: DecodedRow[]
  skipped: ReadonlySet<number>
}

/**
 * Folds what was read. The cache holds what came of it at once, so that the next pass can be folded while this one is
 * committed: whoever does not commit this pass must forget it.
 */
export async function foldPass<State>(parts: PassParts<State>, input: PassInput): Promise<FoldedPass> {
  const rowsByHome = groupByHome(input.rows)
  for (const { homeId } of input.dueHomes) if (!rowsByHome.has(homeId)) rowsByHome.set(homeId, [])
  const homes = await loadHomes(parts, rowsByHome, input.dueHomes)
  const due = new Set(input.dueHomes.map((home) => home.homeId))
  const commit: FoldCommit = {
    cursors: input.cursors,
    homes: [],
    inputs: [],
    signals: [],
    rejections: [],
    changes: [],
  }
  const after: CachedHome<State>[] = []
  const decoded: DecodedRow[] = []
  const skipped = new Set<number>()
  let turnAtMs = parts.clock.monotonicMs()
  for (const [homeId, rows] of rowsByHome) {
    const before = homes.get(homeId)
    if (!before) continue
    if (parts.clock.monotonicMs() - turnAtMs > LONGEST_TURN_MS) {
      await nextTurn()
      turnAtMs = parts.clock.monotonicMs()
    }
    const timersAt = due.has(homeId) ? input.nowMs : null
    const draft = await foldHome(parts, before, rows, timersAt, input.jumps)
    if (draft.touched) after.push(addToCommit(commit, draft))
    if (draft.decoded === null) skipped.add(before.shard)
    else for (const row of draft.decoded) decoded.push(row)
  }
  for (const home of after) parts.cache.put(home)
  return { input, homeIds: [...rowsByHome.keys()], commit, decoded, skipped }
}

function groupByHome(rows: readonly LogRow[]): Map<string, LogRow[]> {
  const byHome = new Map<string, LogRow[]>()
  for (const row of rows) {
    if (row.rejected !== null) continue
    const own = byHome.get(row.homeId)
    if (own) own.push(row)
    else byHome.set(row.homeId, [row])
  }
  return byHome
}

/**
 * From the cache, or read in one query: those it does not hold, and those whose facts have changed since. A cache that has
 * not seen a change which another worker's fold has taken in has not seen that fold either, and loses the race.
 */
async function loadHomes<State>(
  parts: PassParts<State>,
  rowsByHome: Map<string, LogRow[]>,
  dueHomes: readonly DueHome[],
): Promise<Map<string, CachedHome<State>>> {
  const factsVersions = new Map(dueHomes.map((home) => [home.homeId, home.factsVersion]))
  const homes = new Map<string, CachedHome<State>>()
  const missing: string[] = []
  for (const [homeId, rows] of rowsByHome) {
    const cached = parts.cache.get(homeId)
    const factsVersion = rows.at(-1)?.factsVersion ?? factsVersions.get(homeId) ?? null
    if (cached && (factsVersion === null || cached.facts.version === factsVersion)) homes.set(homeId, cached)
    else missing.push(homeId)
  }
  if (missing.length === 0) return homes
  for (const home of await readHomes(parts, missing)) {
    homes.set(home.homeId, home)
  }
  return homes
}

async function readHomes<State>(parts: PassParts<State>, homeIds: string[]): Promise<CachedHome<State>[]> {
  // What the pass before makes of them is not to be read until it is committed.
  await parts.underway?.done
  const stored = await parts.store.readHomes(homeIds)
  return stored.map((home) => ({
    ...home,
    // The state was written by this very fold; its shape is the fold's own affair.
    state: home.version === 0 ? parts.fold.initialState() : (home.state as State),
  }))
}

async function foldHome<State>(
  parts: PassParts<State>,
  before: CachedHome<State>,
  rows: readonly LogRow[],
  timersAt: number | null,
  jumps: ClockJump[],
): Promise<HomeDraft<State>> {
  try {
    const draft = openDraft(before, parts.decoded !== null)
    for (const row of rows) {
      if (isAfter(row, draft.home)) foldRow(parts.fold, draft, row, jumps)
      else draft.decoded = null
    }
    if (timersAt !== null) fireTimers(parts.fold, draft, timersAt, jumps)
    return draft
  } catch (error) {
    parts.log.warn({ homeId: before.homeId, err: error }, 'the fold threw: trying this home again by itself')
    return foldHomeWarily(parts, before, rows, timersAt, jumps)
  }
}

/**
 * A row that makes the fold throw is a programmer's error: it is stored as rejected and passed, so that one home never
 * stops a shard. The home is read anew and each row folded on a copy, for the fold may have thrown halfway through.
 */
async function foldHomeWarily<State>(
  parts: PassParts<State>,
  before: CachedHome<State>,
  rows: readonly LogRow[],
  timersAt: number | null,
  jumps: ClockJump[],
): Promise<HomeDraft<State>> {
  const [read] = await readHomes(parts, [before.homeId])
  // What it says is left to whoever reads the log: not decoded whole, and a copy of all of it with each row would be slow.
  let draft = openDraft(read ?? before, false)
  for (const row of rows) {
    if (!isAfter(row, draft.home)) continue
    const spare = structuredClone(draft)
    try {
      foldRow(parts.fold, draft, row, jumps)
    } catch (error) {
      draft = spare
      passRow(draft, row)
      reject(draft, row, FOLD_ERROR)
      report(parts, error, { homeId: row.homeId, rowId: row.id })
    }
  }
  if (timersAt === null) return draft
  const spare = structuredClone(draft)
  try {
    fireTimers(parts.fold, draft, timersAt, jumps)
    return draft
  } catch (error) {
    report(parts, error, { homeId: before.homeId })
    return { ...spare, touched: true, clockMs: timersAt, nextTimer: timersAt + BROKEN_TIMER_RETRY_MS }
  }
}

function report<State>(parts: PassParts<State>, error: unknown, where: Record<string, unknown>): void {
  parts.log.error({ ...where, err: error }, 'the fold cannot take this: stored as rejected and passed')
  parts.metrics.count('anlin_fold_errors_total')
}

function addToCommit<State>(commit: FoldCommit, draft: HomeDraft<State>): CachedHome<State> {
  const home = closeDraft(draft)
  const { state, facts: _facts, ...saved } = home
  commit.homes.push({ ...saved, readVersion: draft.before.version, stateJson: JSON.stringify(state) })
  commit.inputs.push(...draft.inputs)
  commit.signals.push(...draft.signals)
  commit.rejections.push(...draft.rejections)
  commit.changes.push(...draft.changes)
  return home
}
