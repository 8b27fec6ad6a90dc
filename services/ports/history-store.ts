/**
 * History store: where measurements are kept, PostgreSQL or InfluxDB, and the projector that fills it from the log.
 */

import type { DeviceKind, MeasurementField, PlacedDevice } from '../../devices/observation.ts'
import type { ShardCursor, UnreadRows } from './fold.ts'
import type { HistoryAsked, HistoryPoint } from './history.ts'

/** What one device measured at one moment. Written once and never corrected. */
export type MeasuredPoint = {
  homeId: string
  deviceId: string
  deviceKind: DeviceKind
  /** When it was measured, whole ms. */
  atMs: number
  /** 0…999,999. Tells apart what one device said within the same ms; with home, device and time the point's identity. */
  sequence: number
  values: Partial<Record<MeasurementField, number>>
}

/**
 * Why points could not be appended: the `code` of the error. `refused`: the store will never take one of them as it is;
 * others of the batch may be stored. `denied`: wrong credentials, or no such database. `capacity`: a limit of the
 * store, which no point is to blame for. Any other error leaves unknown what was stored: the same points go again.
 */
export type HistoryErrorCode = 'unavailable' | 'denied' | 'capacity' | 'refused'

export type HistoryStore = {
  /** Resolves only when every point is stored for good. The same points again change nothing. */
  append(points: readonly MeasuredPoint[]): Promise<void>
  /**
   * Oldest first, at most `limit`. A window is given at its start, and left out when it holds no measurement. Windows
   * begin at the home's midnight, also where a day has 23 or 25 hours.
   */
  read(asked: HistoryAsked): Promise<HistoryPoint[]>
  /** The last value of each of the fields that was measured at `sinceMs` or later. */
  last(asked: LastAsked): Promise<Partial<Record<MeasurementField, HistoryPoint>>>
}
export type LastAsked = { homeId: string; deviceId: string; fields: readonly MeasurementField[]; sinceMs: number }

/** A batch on its way: once written down it is sent as it is until it is confirmed, by whoever comes across it. */
export type HistoryBatch = { points: readonly MeasuredPoint[]; cursors: readonly ShardCursor[] }
/**
 * For a store in the same database as the progress: the batch and where the projector stands after it, in one statement, so
 * that nothing has to be written down before. False: somebody else is at work, nothing was written.
 * @throws with a HistoryErrorCode; then nothing was written, or nobody knows
 */
export type AppendAndFinish = (version: number, batch: HistoryBatch) => Promise<boolean>
export type HistoryDeadLetter = { point: MeasuredPoint; reason: string }
export type HistoryFinish = { cursors: readonly ShardCursor[]; deadLetters: readonly HistoryDeadLetter[] }

/** Where the projector stands in the log. Every change of it is a compare-and-set on `version`. */
export type HistoryProgress = {
  /** Makes the cursors that are missing. */
  prepareCursors(shards: readonly number[]): Promise<void>
  /** `batch`: proposed, by whomever, and not yet finished. */
  readState(): Promise<{ version: number; batch: HistoryBatch | null }>
  readUnread(asked: { shards: readonly number[]; limitPerShard: number }): Promise<UnreadRows>
  /** What is placed in these homes, as of `factsVersion`. */
  readDevices(homeIds: readonly string[]): Promise<HomeDevices[]>
  /** Writes the batch down. False: somebody else was faster, nothing was written. */
  propose(version: number, batch: HistoryBatch): Promise<boolean>
  /** Moves the cursors behind what is confirmed, and keeps what was refused. False: somebody else has done it. */
  finish(version: number, done: HistoryFinish): Promise<boolean>
  /** Shards whose oldest unread row was received so long ago, those that nobody may read yet included. */
  readLagging(longerThanMs: number): Promise<number[]>
  /** Age of the oldest row of the log that the history has not passed; 0 when it has passed all. */
  readBehindMs(): Promise<number>
  /** The same of the rules, who go first. */
  readRulesBehindMs(): Promise<number>
}
export type HomeDevices = { homeId: string; factsVersion: number; devices: PlacedDevice[] }
