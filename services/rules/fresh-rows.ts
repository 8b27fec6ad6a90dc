import { isAfter } from '../core/log-position.ts'
import type { FreshRows, HomeKey, LogPosition, LogRow, ShardCursor, ShardPosition } from '../ports.ts'

/**
 * Rows and payload bytes that are kept for the passes to come, some seconds of the greatest load, and for how long: while one
 * row waits, all bytes of its batch stay, some 600 a row. With more than that the rules are behind, all of it is left to the
 * log, and what comes next is kept.
 */
const MAX_ROWS = 50_000
const MAX_BYTES = 32 * 2 ** 20
const MAX_WAIT_MS = 5_000

/** How far the log was read of one shard, and how many rows it was asked for. */
export type ReadOfLog = {
  cursor: ShardCursor
  rows: readonly LogRow[]
  hidden: ShardPosition | undefined
  limit: number
}

/** A row that nobody has read yet. */
type Kept = { batch: FreshRows; nth: number }
type Queue = { rows: Kept[]; from: LogPosition; cursor: ShardCursor | null }

/**
 * What ingest has just committed in this process, so that nobody need read it. `from` of a shard: all its rows after that
 * are here. Once its cursor is known and not before `from`, the shard is at hand; any other is read from the log.
 * The cursors here are as the commits under way will leave them: who loses one must `forget` its shard.
 */
export class KeptRows {
  readonly #shards: readonly number[]
  /** Empty while nothing is kept. */
  readonly #queues = new Map<number, Queue>()
  /** Up to where homes were folded ahead of their shards, while rows of theirs are still here. */
  readonly #ahead = new Map<string, LogPosition>()
  #era = 0
  #rows = 0
  #bytes = 0
  #epoch = 0
  #nowMs = 0

  constructor(shards: readonly number[]) {
    this.#shards = shards
  }

  /** Moves whenever what was read of the log before says nothing of what is kept from now on. */
  get era(): number {
    return this.#era
  }
  /** The last clock jump that was known when any of it was stored. */
  get epoch(): number {
    return this.#epoch
  }
  /** The database's clock when the last of it was stored. */
  get nowMs(): number {
    return this.#nowMs
  }

  offer(batch: FreshRows): void {
    if (this.#queues.size === 0) this.#begin({ xid: batch.first.xid, id: batch.first.id - 1 })
    this.#epoch = Math.max(this.#epoch, batch.epoch)
    this.#nowMs = batch.nowMs
    for (let nth = 0; nth < batch.count; nth++) {
      const queue = this.#queues.get(batch.shardOf(nth))
      const kept = { batch, nth }
      // What was read of the log may go beyond what has been offered by then.
      if (!queue || !isAfter(placeOf(kept), queue.from)) continue
      queue.rows.push(kept)
      this.#rows += 1
      this.#bytes += batch.payloadBytesOf(nth)
    }
    if (this.#rows > MAX_ROWS || this.#bytes > MAX_BYTES || this.#waitsTooLong()) this.#begin(batch.last)
  }

  /** Something was stored that was not offered: every shard is the log's, until `offer` begins anew. */
  lost(): void {
    this.#begin({ xid: 0n, id: 0 })
    this.#queues.clear()
  }

  isAtHand(shard: number): boolean {
    return (this.#queues.get(shard)?.cursor ?? null) !== null
  }

  /** Rows of the shard that nobody took. */
  waiting(shard: number): number {
    return this.#queues.get(shard)?.rows.length ?? 0
  }

  /** Of those shards that are at hand: where each stood, and its next rows. Its cursor is then after them. */
  take(shards: readonly number[], limitPerShard: number): { before: ShardCursor[]; rows: LogRow[] } {
    const before: ShardCursor[] = []
    const rows: LogRow[] = []
    for (const shard of shards) {
      const queue = this.#queues.get(shard)
      if (!queue?.cursor) continue
      before.push(queue.cursor)
      const taken = queue.rows.slice(0, limitPerShard)
      for (const { batch, nth } of taken) {
        const row = batch.read(nth)
        rows.push(row)
        const ahead = this.#ahead.get(row.homeId)
        if (ahead && !isAfter(ahead, row)) this.#ahead.delete(row.homeId)
      }
      this.#removed(queue.rows.splice(0, taken.length))
      const last = rows.at(-1)
      if (taken.length === 0 || !last) continue
      queue.from = { xid: last.xid, id: last.id }
      queue.cursor = after(queue.cursor, last)
    }
    return { before, rows }
  }

  /** The first rows that nobody took or folded ahead of these homes, which are of shards at hand; they stay. */
  rowsOf(homes: readonly HomeKey[], limitPerShard: number): LogRow[] {
    const homeIds = new Set(homes.map((home) => home.homeId))
    const shards = new Set(homes.map((home) => home.shard))
    return [...shards].flatMap((shard) => {
      const own: LogRow[] = []
      for (const kept of this.#queues.get(shard)?.rows ?? []) {
        if (own.length >= limitPerShard) break
        if (this.#isNewOf(homeIds, kept)) own.push(kept.batch.read(kept.nth))
      }
      return own
    })
  }

  /** These rows of `rowsOf` are folded, and committed: their shards have yet to come there. */
  foldedAhead(rows: readonly LogRow[]): void {
    for (const { homeId, shard, xid, id } of rows) if (this.isAtHand(shard)) this.#ahead.set(homeId, { xid, id })
  }

  #waitsTooLong(): boolean {
    for (const { rows } of this.#queues.values()) {
      if (rows[0] && this.#nowMs - rows[0].batch.nowMs > MAX_WAIT_MS) return true
    }
    return false
  }

  #isNewOf(homeIds: ReadonlySet<string>, kept: Kept): boolean {
    const homeId = kept.batch.homeIdOf(kept.nth)
    if (!homeIds.has(homeId)) return false
    const ahead = this.#ahead.get(homeId)
    return ahead === undefined || isAfter(placeOf(kept), ahead)
  }

  /**
   * A shard was read from the log since `era`, and who read it folds what it found: from now on it is at hand, if nothing
   * is missing between that and what is kept.
   */
  join({ cursor, rows, hidden, limit }: ReadOfLog, era: number): void {
    const queue = this.#queues.get(cursor.shard)
    if (!queue || era !== this.#era) return
    // A row that could not be read yet stands before what is kept, or was stored by somebody else.
    if (hidden && !queue.rows.some((kept) => isAt(placeOf(kept), hidden))) return
    const last = rows.at(-1)
    const at = last ? after(cursor, last) : cursor
    // As many as were asked for: there may be more before what is kept, unless they reach into it.
    if (rows.length >= limit && isAfter(queue.from, at)) return
    const passed = queue.rows.findIndex((kept) => isAfter(placeOf(kept), at))
    this.#removed(queue.rows.splice(0, passed < 0 ? queue.rows.length : passed))
    if (isAfter(at, queue.from)) queue.from = { xid: at.xid, id: at.id }
    queue.cursor = at
  }

  /** These shards' cursors are not what they were thought to be: they are the log's. */
  forget(shards: Iterable<number>): void {
    this.#era += 1
    for (const shard of shards) {
      const queue = this.#queues.get(shard)
      if (queue) queue.cursor = null
    }
  }

  /** From here on everything is kept. */
  #begin(from: LogPosition): void {
    this.#era += 1
    this.#rows = 0
    this.#bytes = 0
    this.#ahead.clear()
    for (const shard of this.#shards) this.#queues.set(shard, { rows: [], from, cursor: null })
  }

  #removed(rows: readonly Kept[]): void {
    this.#rows -= rows.length
    for (const { batch, nth } of rows) this.#bytes -= batch.payloadBytesOf(nth)
  }
}

function placeOf({ batch: { first }, nth }: Kept): LogPosition {
  return { xid: first.xid, id: first.id + nth }
}

function isAt(one: LogPosition, other: LogPosition): boolean {
  return one.xid === other.xid && one.id === other.id
}

/** As the commit of a pass up to `last` leaves it. */
function after(cursor: ShardCursor, last: LogRow): ShardCursor {
  return { ...cursor, xid: last.xid, id: last.id, version: cursor.version + 1, passedAtMs: last.receivedAt }
}
