/**
 * History: what was measured, as pages and reports ask for it.
 */

import type { MeasurementField } from '../../devices/observation.ts'

export type HistoryAggregate = 'mean' | 'min' | 'max' | 'last' | 'count'
export type HistoryAsked = {
  homeId: string
  deviceId: string
  field: MeasurementField
  fromMs: number
  toMs: number
  /** Windows of this length, beginning at midnight of `timeZone`; null gives every reading as it is. */
  windowMs: number | null
  aggregate: HistoryAggregate
  timeZone: string
  limit: number
}
export type HistoryPoint = { atMs: number; value: number }
export type History = {
  /** Oldest first, at most `limit`. `behindMs`: how much of the newest time is not there yet. */
  read(asked: HistoryAsked): Promise<{ points: HistoryPoint[]; behindMs: number }>
}
