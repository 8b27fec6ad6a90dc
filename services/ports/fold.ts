/**
 * Fold: the log as the rules worker reads it, and the one statement that commits what it made of it.
 */

import type { Observation, PlacedDevice, RawMessage } from '../../devices/observation.ts'
import type { LogPosition } from '../core/log-position.ts'
import type { Signal } from '../core/signal.ts'

export type { LogPosition }

/** A row of the log; `receivedAt` in whole ms, rounded down. */
export type LogRow = RawMessage &
  LogPosition & {
    shard: number
    /** Why ingest already knows that nobody can read it; null for a row to be folded. */
    rejected: string | null
    /**
     * The version of what is known about the home, 0 without such a home. Where the rules read, only of facts that no fold
     * has taken in yet; null: there are none.
     */
    factsVersion: number | null
  }

/** Where a reader stands in one shard. `passedAtMs` is the receipt time of the last row passed. */
export type ShardCursor = LogPosition & { shard: number; version: number; passedAtMs: number }

/**
 * Rows come shard by shard, each shard's in commit order. `hidden`: the first row of a shard that an open transaction keeps
 * from being read yet. `nowMs` is the database's clock.
 */
export type UnreadRows = {
  nowMs: number
  epoch: number
  cursors: ShardCursor[]
  rows: LogRow[]
  hidden: ShardPosition[]
}
export type ShardPosition = LogPosition & { shard: number }

/**
 * Rows of one commit, in their order; `first` is before, `last` after all others of them, and their ids are in a row. Each is
 * read when it is asked for, by its number from 0 on: what waits is bytes until then, for ten thousand objects that wait are
 * moved by each garbage collection. `alarms`: homes with urgent ones among them.
 */
export type FreshRows = {
  first: LogPosition
  last: LogPosition
  nowMs: number
  epoch: number
  count: number
  shardOf(nth: number): number
  homeIdOf(nth: number): string
  payloadBytesOf(nth: number): number
  /** As the log would give it. */
  read(nth: number): LogRow
  alarms: HomeKey[]
}

/** What is known about a home besides what its devices say. Every change of it moves `version`. */
export type StoredFacts = {
  homeId: string
  version: number
  timeZone: string
  language: 'zh' | 'en'
  /** Overrides of the rules' defaults, as they are stored. */
  settings: unknown
  testModeUntil: number | null
  devices: PlacedDevice[]
}

/** `version` 0: the home has no state yet. `wakeAt` is the column: never later than the true next timer. */
export type StoredHome = LogPosition & {
  homeId: string
  shard: number
  version: number
  lastNow: number
  wakeAt: number | null
  factsVersion: number
  clockEpoch: number
  state: unknown
  facts: StoredFacts
}

/** What a fold was given besides the log's rows; the replay gives it again, in the order of `version`. */
export type HomeInput =
  | { type: 'facts'; facts: StoredFacts }
  | { type: 'timers' }
  | { type: 'clock-jump'; epoch: number; gapMs: number }
export type RecordedInput = LogPosition & { homeId: string; version: number; now: number; input: HomeInput }

export type SavedHome = Omit<StoredHome, 'state' | 'facts'> & { readVersion: number; stateJson: string }

/** Everything one pass of the rules leaves behind: committed whole or not at all. */
export type FoldCommit = {
  cursors: ShardCursor[]
  homes: SavedHome[]
  inputs: RecordedInput[]
  signals: { homeId: string; signal: Signal }[]
  rejections: (LogPosition & { homeId: string; receivedAt: number; code: string })[]
  changes: { kind: 'home' | 'device'; homeId: string; ref: string }[]
}

/** A signal that waits for the escalation; `inputId` is its row's. */
export type RaisedInput = { homeId: string; inputId: string; signal: Signal }

/** The escalation, where it runs in the process of the rules. */
export type SignalTaker = {
  /** This home has said something urgent, which is folded now: what a signal of it needs may be read meanwhile. */
  expect(homeId: string): void
  /**
   * Signals of one home that was expected, before they are written: what is done of them may stand in the commit that writes
   * them. Null: they go by `take` once they are. `isAlone`: no other home waits for that commit.
   */
  join(homeId: string, signals: readonly Signal[], isAlone: boolean): Promise<JointCommit | null>
  /** Committed signals, instead of hints for their homes. */
  take(inputs: readonly RaisedInput[]): void
}
/**
 * Commits the fold whose signals it was made for, and what is done of them. To be called once or never. False: somebody was
 * faster, in the fold or after it, and nothing is written. @throws when nobody knows
 */
export type JointCommit = (fold: FoldCommit) => Promise<boolean>

/**
 * `clock`: the database's clock moved beside the time that passed. `entrance-closed`: nobody could be heard from `atMs -
 * gapMs` on. `atMs` is when it was seen, on the clock after it.
 */
export type ClockJump = { epoch: number; gapMs: number; atMs: number; cause: 'clock' | 'entrance-closed' }
export type LogLag = { nowMs: number; epoch: number; lagging: { shard: number; oldestReceivedAt: number }[] }

export type FoldStore = {
  /** Makes the cursors that are missing. */
  prepareCursors(shards: readonly number[]): Promise<void>
  /** `ahead`: cursors as a commit under way will leave them; what it finds counts only if that commit succeeds. */
  readUnread(asked: {
    shards: readonly number[]
    limitPerShard: number
    ahead: readonly ShardCursor[]
  }): Promise<UnreadRows>
  /** Homes with urgent rows that neither the shard's cursor nor their own position has passed, oldest first. */
  readUrgentHomes(asked: { shards: readonly number[]; limitPerShard: number }): Promise<HomeKey[]>
  /** All unread rows of these homes, urgent or not, at most `limitPerShard` a shard. */
  readHomeRows(asked: { homes: readonly HomeKey[]; limitPerShard: number }): Promise<HomeRows>
  /** One for each id, in no order; homes that never had a state come with version 0. */
  readHomes(homeIds: readonly string[]): Promise<StoredHome[]>
  /** Homes with a timer due, and homes whose fold has not been told of new facts. */
  readDueHomes(limit: number): Promise<DueHome[]>
  /** The signals as they were written for the escalation. Null: a compare-and-set missed, nothing was written. */
  commit(commit: FoldCommit): Promise<RaisedInput[] | null>
  /** Shards with unread rows, those that nobody may read yet included. `epoch` is the last clock jump's, 0 for none. */
  readLag(): Promise<LogLag>
  oldestOpenXidAgeMs(): Promise<number>
  /** Records a jump, once, however many workers saw it, together with the operators' technical incident. */
  recordClockJump(jump: { gapMs: number; signal: Signal }): Promise<void>
  /** Records how long no entrance has been open so far as a forward jump, once, however many ask. @returns ms, 0 for none */
  recordClosedEntrance(): Promise<number>
  /** Jumps after `epoch`, oldest first. */
  readClockJumps(epoch: number): Promise<ClockJump[]>
  readHomesBeforeEpoch(epoch: number, limit: number): Promise<DueHome[]>
}
export type HomeKey = { homeId: string; shard: number }
/** `epoch`: of the last clock jump. `hiddenHomes` have rows that an open transaction keeps from being read yet. */
export type HomeRows = { nowMs: number; epoch: number; rows: LogRow[]; hiddenHomes: ReadonlySet<string> }
export type DueHome = HomeKey & { factsVersion: number }

/**
 * What the rules decoded of one shard between two places of the log, every row of it: for who would else read and decode it
 * again. `rows`: those in which some device of the home said something. `deviceState`: the decoder's, after the row.
 */
export type DecodedSegment = { from: LogPosition; to: ShardCursor; rows: readonly DecodedRow[] }
export type DecodedRow = {
  row: LogRow
  device: PlacedDevice
  observations: readonly Observation[]
  deviceState: unknown
}
/** Takes it or leaves it: nobody waits for it, and what it leaves stands in the log. */
export type DecodedSink = { offer(segment: DecodedSegment): void }

/** Where a replay begins: a home's state at the start of a day, and the facts it had been folded with. */
export type ReplayStart = LogPosition & {
  homeId: string
  version: number
  lastNow: number
  state: unknown
  facts: StoredFacts | null
}
/** What the fold was given, in its order. A row with a `code` of its own was passed or rejected. */
export type ReplayEvent =
  | { type: 'row'; row: LogRow & { code: string | null } }
  | { type: 'input'; input: RecordedInput }
