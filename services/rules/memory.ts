import type { Hush } from '../core/hush.ts'
import type {
  Clock,
  ClockJump,
  DecodedSink,
  FoldStore,
  Hints,
  Log,
  Metrics,
  ShardCursor,
  SignalTaker,
} from '../ports.ts'
import { KeptRows } from './fresh-rows.ts'
import { createHomeCache, type HomeCache } from './home-cache.ts'
import type { HomeFold } from './home-fold.ts'
import { createPace, type Pace } from './pace.ts'

/** Rows that an open transaction hides are looked for again soon: it mostly lasts no longer than a commit. */
export const HIDDEN_PAUSE_MS = 2

export type RulesParts<State> = {
  store: FoldStore
  fold: HomeFold<State>
  hints: Hints
  clock: Clock
  log: Log
  metrics: Metrics
  /** Given what each committed pass decoded; null where nobody in this process wants it. */
  decoded: DecodedSink | null
  /** Null: it runs in another process, and hears of signals by hints. */
  escalation: SignalTaker | null
  /** Begun with each alarm that ingest takes in in this process; who else is ordinary here waits for it too. */
  hush: Hush
  /** The shards this worker answers for; several workers may answer for the same. */
  shards: readonly number[]
}

/** What the passes of one worker remember. All of it may be lost at any moment: the database is the truth. */
export type RulesMemory<State> = RulesParts<State> & {
  cache: HomeCache<State>
  /** Shards that a hint, a sweep or a full pass says have unread rows, and when to read them. */
  pace: Pace
  /** What ingest committed in this process: shards that it has all of are not read. */
  kept: KeptRows
  /** Homes that a hint says have an unread alarm, with their shards. */
  urgent: Map<string, number>
  /** Shards that a pass has in hand. */
  passing: ReadonlySet<number>
  /** Of these the ones it is reading from the log now: whose rows it will have is not known yet. */
  reading: ReadonlySet<number>
  /** A pass left out shards that have to be read from the log, for others that were at hand. */
  logIsNext: boolean
  /** Homes that are being folded or committed, by whom ever: see held-homes.ts. */
  held: Set<ReadonlySet<string>>
  /** Shards whose alarms are folded beside it: no pass begins on them meanwhile. */
  alarming: ReadonlySet<number>
  /** Shards that the last pass left out for an alarm whose home was held: not twice in a row. */
  yielded: ReadonlySet<number>
  /** Shards whose next unread row has waited longer than LAG_MS, or that had more rows than a pass takes. */
  overdue: Set<number>
  /** The pass whose commit is under way. Whoever folds anything but the next rows of the shards waits for it. */
  underway: { done: Promise<boolean>; cursors: readonly ShardCursor[] } | null
  /** To be called when what the alarm lane had to leave may be free: a read is done, homes are held no more. */
  freed(): void
  /** Rows passed and homes visited so far. */
  done: number
  lostInARow: number
  hiddenPauseMs: number
  urgentLookedAt: number
  /** Clock jumps that some homes may not have taken in yet, the epoch up to which all have, and the last that is known. */
  jumps: ClockJump[]
  epochTaken: number
  epochSeen: number
}

export function createMemory<State>(parts: RulesParts<State>): RulesMemory<State> {
  return {
    ...parts,
    cache: createHomeCache(),
    pace: createPace(parts.hush),
    kept: new KeptRows(parts.shards),
    urgent: new Map(),
    passing: new Set(),
    reading: new Set(),
    logIsNext: false,
    held: new Set(),
    alarming: new Set(),
    yielded: new Set(),
    overdue: new Set(),
    underway: null,
    freed: () => undefined,
    done: 0,
    lostInARow: 0,
    hiddenPauseMs: HIDDEN_PAUSE_MS,
    urgentLookedAt: Number.NEGATIVE_INFINITY,
    jumps: [],
    epochTaken: -1,
    epochSeen: -1,
  }
}
