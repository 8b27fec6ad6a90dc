import { isAfter } from '../core/log-position.ts'
import type { DecodedSegment, DecodedSink, HistoryBatch, LogPosition, MeasuredPoint, ShardCursor } from '../ports.ts'
import { type Measured, stateKey, toPoint } from './decode-rows.ts'

/**
 * Points, or devices of which something was decoded: some seconds of a busy town, some 25 MB. What does not fit is read
 * from the log when its turn comes.
 */
const MAX_HELD = 50_000

/**
 * What the rules of this process decoded, held until the history takes it: reading and decoding the log a second time cost
 * as much as folding it. It may lose anything at any time, for the log has it all.
 */
export type Handover = DecodedSink & {
  /** Of whatever weighs anything here: points, or devices of which something was decoded. */
  readonly held: number
  /** `call` is called whenever so `much` was offered since the last time that something was taken. */
  whenever(much: number, call: () => void): void
  /**
   * What follows these cursors without a gap, the longest held shard first, at least one segment and at most about `limit`
   * points. `cursors`: those that move, as they will stand. `states`: the decoder's after it, for whoever reads on in the
   * log. What is given is no longer held.
   */
  take(cursors: ReadonlyMap<number, ShardCursor>, limit: number): HistoryBatch & Measured
}

/** `xids` and `ids`: the row of each point. Numbers beside the points, for an object more of each is one more to collect. */
type Held = {
  from: LogPosition
  to: ShardCursor
  points: MeasuredPoint[]
  xids: bigint[]
  ids: number[]
  states: Measured['states']
}

export function createHandover(): Handover {
  // A map keeps the order of insertion: the first shard is the longest held.
  const shards = new Map<number, Held[]>()
  let held = 0
  let offered = 0
  let [much, call] = [Number.POSITIVE_INFINITY, () => {}]

  /** The cursor after all segments that follow it, whose points and states go to `taken`. */
  function follow(cursor: ShardCursor, segments: Held[], taken: Measured, limit: number): ShardCursor {
    let at = cursor
    for (let segment = segments[0]; segment !== undefined; segment = segments[0]) {
      if (isAfter(segment.to, at)) {
        const isFull = taken.points.length > 0 && taken.points.length + segment.points.length > limit
        if (isFull || isAfter(segment.from, at)) return at
        addSegment(taken, segment, at)
        at = segment.to
      }
      segments.shift()
      held -= weightOf(segment)
    }
    return at
  }

  return {
    get held() {
      return held
    },
    whenever(howMuch, toCall) {
      ;[much, call] = [howMuch, toCall]
    },
    offer({ from, to, rows }: DecodedSegment) {
      const segment: Held = { from, to, points: [], xids: [], ids: [], states: new Map() }
      for (const { row, device, observations, deviceState } of rows) {
        segment.states.set(stateKey(row.homeId, device), deviceState)
        const point = toPoint(row, device, observations)
        if (point === null) continue
        segment.points.push(point)
        segment.xids.push(row.xid)
        segment.ids.push(row.id)
      }
      if (held + weightOf(segment) > MAX_HELD) return
      held += weightOf(segment)
      const before = offered
      offered += weightOf(segment)
      const segments = shards.get(to.shard)
      if (segments) segments.push(segment)
      else shards.set(to.shard, [segment])
      if (before < much && offered >= much) call()
    },
    take(cursors, limit) {
      offered = 0
      const taken: Measured = { points: [], states: new Map() }
      const moved: ShardCursor[] = []
      for (const [shard, segments] of [...shards]) {
        const cursor = cursors.get(shard)
        if (cursor === undefined) continue
        const at = follow(cursor, segments, taken, limit)
        if (at === cursor && segments.length > 0) continue
        if (at !== cursor) moved.push(at)
        // Who was served goes to the end of the line.
        shards.delete(shard)
        if (segments.length > 0) shards.set(shard, segments)
        if (taken.points.length >= limit) break
      }
      return { ...taken, cursors: moved }
    },
  }
}

/** What of it comes after `at`. */
function addSegment(taken: Measured, segment: Held, at: LogPosition): void {
  const { points, xids, ids } = segment
  for (const [nth, point] of points.entries()) {
    if (isAfter({ xid: xids[nth] ?? 0n, id: ids[nth] ?? 0 }, at)) taken.points.push(point)
  }
  for (const [key, state] of segment.states) taken.states.set(key, state)
}

/** A segment without a point takes room too. */
function weightOf({ points, states }: Held): number {
  return Math.max(1, points.length, states.size)
}
