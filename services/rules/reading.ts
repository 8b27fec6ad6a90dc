import type { UnreadRows } from '../ports.ts'
import { holdHomes } from './held-homes.ts'
import type { RulesMemory } from './memory.ts'

/** `atHand`: it was not read from the log. */
export type ReadRows = UnreadRows & { atHand: boolean }

/**
 * What ingest has committed here of the shards that are at hand, whose homes are held at once; or the log of the others, whose
 * homes are held from its answer on: until then the alarm lane leaves those shards alone. Where some are of one kind and some
 * of the other they take turns, so that no home is held while others are read.
 */
export async function readShards<State>(
  memory: RulesMemory<State>,
  shards: readonly number[],
  limitPerShard: number,
): Promise<{ read: ReadRows; release: () => void }> {
  const { kept, pace } = memory
  const { atHand = [], unread = [] } = Object.groupBy(shards, (shard) => (kept.isAtHand(shard) ? 'atHand' : 'unread'))
  const isMixed = atHand.length > 0 && unread.length > 0
  const readsLog = isMixed ? memory.logIsNext : unread.length > 0
  memory.logIsNext = isMixed && !readsLog
  if (isMixed) for (const shard of readsLog ? atHand : unread) pace.hurry(shard)
  memory.reading = new Set(readsLog ? unread : [])
  try {
    const read = readsLog ? await readLog(memory, unread, limitPerShard) : takeKept(memory, atHand, limitPerShard)
    const homeIds = read.rows.map((row) => row.homeId)
    return { read, release: holdHomes(memory, homeIds) }
  } finally {
    // Only now, for what was read may be at hand already, and its homes have to be held before the alarm lane looks.
    memory.reading = new Set()
    memory.freed()
  }
}

function takeKept<State>(
  { kept, metrics }: RulesMemory<State>,
  shards: readonly number[],
  limitPerShard: number,
): ReadRows {
  const { before, rows } = kept.take(shards, limitPerShard)
  metrics.count('anlin_rows_at_hand_total', rows.length)
  const { nowMs, epoch } = kept
  return { nowMs, epoch, cursors: before, rows, hidden: [], atHand: true }
}

/** Shards of which nothing is missing are at hand from then on. */
async function readLog<State>(
  { kept, store, underway }: RulesMemory<State>,
  shards: readonly number[],
  limitPerShard: number,
): Promise<ReadRows> {
  const { era } = kept
  const read = await store.readUnread({ shards, limitPerShard, ahead: underway?.cursors ?? [] })
  const rowsByShard = Map.groupBy(read.rows, (row) => row.shard)
  for (const cursor of read.cursors) {
    const hidden = read.hidden.find(({ shard }) => shard === cursor.shard)
    kept.join({ cursor, rows: rowsByShard.get(cursor.shard) ?? [], hidden, limit: limitPerShard }, era)
  }
  return { ...read, atHand: false }
}
