import type { HistoryBatch, HistoryFinish, HistoryProgress, HistoryStore, Log, Metrics, ShardCursor } from '../ports.ts'
import type { RowDecoder } from './decode-rows.ts'
import { deliver } from './delivery.ts'

/** Rows of one pass: so few that decoding them keeps the process's other work waiting for some ms only. */
const MAX_ROWS_PER_PASS = 1_000
const MIN_ROWS_PER_SHARD = 32

export type PassMemory = {
  progress: HistoryProgress
  store: HistoryStore
  rows: RowDecoder
  log: Log
  metrics: Metrics
  shards: readonly number[]
  /** Of the progress, with no batch on its way; null when it has to be read first. */
  version: number | null
  /** Shards that had more rows than a pass takes: every other pass reads these alone, so that nobody waits for them. */
  behind: Set<number>
  behindOnly: boolean
}

/** `lost`: another projector is at work. */
export type Pass = 'more' | 'idle' | 'lost'

/**
 * One batch: written down, appended, confirmed, and only then passed. A batch that somebody left behind goes first.
 * @throws when the database or the history store is away or refuses; then the progress has to be read anew
 */
export async function runPass(memory: PassMemory): Promise<Pass> {
  const { progress, rows } = memory
  if (memory.version === null) {
    const state = await progress.readState()
    if (state.batch !== null) return sendAndFinish(memory, state.version, state.batch)
    memory.version = state.version
  }
  const version = memory.version
  const read = await readRows(memory)
  if (read.cursors.length === 0) return memory.behindOnly ? 'more' : 'idle'
  const measured = await rows.decode(read.rows)
  const { points } = measured
  if (points.length === 0) return finish(memory, version, { cursors: read.cursors, deadLetters: [] })
  const batch = { points, cursors: read.cursors }
  if (!(await progress.propose(version, batch))) return lose(memory)
  rows.keep(measured)
  return sendAndFinish(memory, version + 1, batch)
}

async function sendAndFinish(memory: PassMemory, version: number, batch: HistoryBatch): Promise<Pass> {
  const deadLetters = await deliver(memory.store, batch.points)
  const done = await finish(memory, version, { cursors: batch.cursors, deadLetters })
  if (done === 'lost') return done
  memory.metrics.count('anlin_history_points_total', batch.points.length - deadLetters.length)
  if (deadLetters.length > 0) {
    memory.metrics.count('anlin_history_dead_letters_total', deadLetters.length)
    memory.log.error({ count: deadLetters.length }, 'the history store refused points: kept in history_dead_letter')
  }
  return done
}

async function finish(memory: PassMemory, version: number, done: HistoryFinish): Promise<Pass> {
  if (!(await memory.progress.finish(version, done))) return lose(memory)
  memory.version = version + 1
  // After a batch of somebody else nothing is known of how much is left, so it is looked at once more.
  return 'more'
}

function lose(memory: PassMemory): Pass {
  memory.version = null
  memory.behind.clear()
  return 'lost'
}

async function readRows(memory: PassMemory) {
  memory.behindOnly = !memory.behindOnly && memory.behind.size > 0
  const shards = memory.behindOnly ? [...memory.behind] : memory.shards
  const limitPerShard = Math.max(MIN_ROWS_PER_SHARD, Math.ceil(MAX_ROWS_PER_PASS / shards.length))
  const { rows, ...read } = await memory.progress.readUnread({ shards, limitPerShard })
  const rowsByShard = Map.groupBy(rows, (row) => row.shard)
  const cursors: ShardCursor[] = []
  memory.behind.clear()
  for (const cursor of read.cursors) {
    const own = rowsByShard.get(cursor.shard) ?? []
    if (own.length >= limitPerShard) memory.behind.add(cursor.shard)
    const last = own.at(-1)
    if (last) cursors.push({ ...cursor, xid: last.xid, id: last.id, passedAtMs: last.receivedAt })
  }
  return { rows, cursors }
}
