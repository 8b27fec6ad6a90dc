import type { LogRow, ShardCursor, UnreadRows } from '../ports.ts'
import { holdHomes } from './held-homes.ts'
import type { RulesMemory } from './memory.ts'

/** `atHand`: the shards of it that were not read from the log. */
export type ReadRows = UnreadRows & { atHand: ReadonlySet<number> }
const NOTHING_READ: UnreadRows = { nowMs: 0, epoch: 0, cursors: [], rows: [], hidden: [] }

/**
 * What ingest has committed here of the shards that are at hand, whose homes are held at once, and the log of the others,
 * whose homes are held from its answer on. Until then the alarm lane leaves those shards alone.
 */
export async function readShards<State>(
  memory: RulesMemory<State>,
  shards: readonly number[],
  limitPerShard: number,
): Promise<{ read: ReadRows; release: () => void }> {
  const { kept } = memory
  const { atHand = [], unread = [] } = Object.groupBy(shards, (shard) => (kept.isAtHand(shard) ? 'atHand' : 'unread'))
  const { before, rows } = kept.take(atHand, limitPerShard)
  const releaseTaken = holdHomes(
    memory,
    rows.map((row) => row.homeId),
  )
  memory.reading = new Set(unread)
  try {
    const read = await readLog(memory, unread, limitPerShard)
    const releaseRead = holdHomes(
      memory,
      read.rows.map((row) => row.homeId),
    )
    return {
      read: withKept(memory, read, before, rows),
      release() {
        releaseTaken()
        releaseRead()
      },
    }
  } catch (error) {
    kept.forget(atHand)
    releaseTaken()
    throw error
  } finally {
    memory.reading = new Set()
    memory.freed()
  }
}

function withKept<State>(
  { kept, metrics }: RulesMemory<State>,
  read: UnreadRows,
  before: readonly ShardCursor[],
  rows: readonly LogRow[],
): ReadRows {
  const atHand = new Set(before.map((cursor) => cursor.shard))
  if (atHand.size === 0) return { ...read, atHand }
  metrics.count('anlin_rows_at_hand_total', rows.length)
  return {
    nowMs: Math.max(read.nowMs, kept.nowMs),
    epoch: Math.max(read.epoch, kept.epoch),
    cursors: [...read.cursors, ...before],
    rows: [...read.rows, ...rows],
    hidden: read.hidden,
    atHand,
  }
}

/** Shards of which nothing is missing are at hand from then on. */
async function readLog<State>(
  { kept, store, underway }: RulesMemory<State>,
  shards: readonly number[],
  limitPerShard: number,
): Promise<UnreadRows> {
  if (shards.length === 0) return NOTHING_READ
  const era = kept.era
  const read = await store.readUnread({ shards, limitPerShard, ahead: underway?.cursors ?? [] })
  const rowsByShard = Map.groupBy(read.rows, (row) => row.shard)
  for (const cursor of read.cursors) {
    const hidden = read.hidden.find(({ shard }) => shard === cursor.shard)
    kept.join({ cursor, rows: rowsByShard.get(cursor.shard) ?? [], hidden, limit: limitPerShard }, era)
  }
  return read
}
