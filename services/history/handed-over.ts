import type { DecodedSegment, DecodedSink, HistoryBatch, LogPosition, MeasuredPoint, ShardCursor } from '../ports.ts'
import { toPoint } from './decode-rows.ts'

/** Some seconds of a busy town, some 25 MB. What does not fit is read from the log when its turn comes. */
const MAX_POINTS_HELD = 50_000

/**
 * What the rules of this process decoded, held until the history takes it: reading and decoding the log a second time cost
 * as much as folding it. It may lose anything at any time, for the log has it all.
 */
export type Handover = DecodedSink & {
  /**
   * What follows these cursors without a gap, the longest held shard first, at least one segment and at most about `limit`
   * points. `cursors`: those that move, as they will stand. What is given is no longer held.
   */
  take(cursors: ReadonlyMap<number, ShardCursor>, limit: number): HistoryBatch
}

type PlacedPoint = { at: LogPosition; point: MeasuredPoint }
type Held = { from: LogPosition; to: ShardCursor; points: PlacedPoint[] }

export function createHandover(): Handover {
  // A map keeps the order of insertion: the first shard is the longest held.
  const shards = new Map<number, Held[]>()
  let held = 0

  /** The cursor after all segments that follow it, whose points go to `points`. */
  function follow(cursor: ShardCursor, segments: Held[], points: MeasuredPoint[], limit: number): ShardCursor {
    let at = cursor
    for (let segment = segments[0]; segment !== undefined; segment = segments[0]) {
      if (isAfter(segment.to, at)) {
        const isFull = points.length > 0 && points.length + segment.points.length > limit
        if (isFull || isAfter(segment.from, at)) return at
        for (const placed of segment.points) if (isAfter(placed.at, at)) points.push(placed.point)
        at = segment.to
      }
      segments.shift()
      held -= weightOf(segment.points)
    }
    return at
  }

  return {
    offer({ from, to, rows }: DecodedSegment) {
      const points: PlacedPoint[] = []
      for (const { row, device, observations } of rows) {
        const point = toPoint(row, device, observations)
        if (point !== null) points.push({ at: { xid: row.xid, id: row.id }, point })
      }
      if (held + weightOf(points) > MAX_POINTS_HELD) return
      held += weightOf(points)
      const segments = shards.get(to.shard)
      if (segments) segments.push({ from, to, points })
      else shards.set(to.shard, [{ from, to, points }])
    },
    take(cursors, limit) {
      const points: MeasuredPoint[] = []
      const moved: ShardCursor[] = []
      for (const [shard, segments] of [...shards]) {
        const cursor = cursors.get(shard)
        if (cursor === undefined) continue
        const at = follow(cursor, segments, points, limit)
        if (at === cursor && segments.length > 0) continue
        if (at !== cursor) moved.push(at)
        // Who was served goes to the end of the line.
        shards.delete(shard)
        if (segments.length > 0) shards.set(shard, segments)
        if (points.length >= limit) break
      }
      return { points, cursors: moved }
    },
  }
}

/** A segment without a point takes room too. */
function weightOf(points: readonly PlacedPoint[]): number {
  return Math.max(1, points.length)
}

function isAfter(one: LogPosition, other: LogPosition): boolean {
  return one.xid > other.xid || (one.xid === other.xid && one.id > other.id)
}
