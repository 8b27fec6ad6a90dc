import type {
  AppendAndFinish,
  Clock,
  HistoryBatch,
  HistoryFinish,
  HistoryProgress,
  HistoryStore,
  Log,
  Metrics,
  ShardCursor,
} from '../ports.ts'
import type { RowDecoder } from './decode-rows.ts'
import { deliver, isRefused } from './delivery.ts'
import type { Handover } from './handed-over.ts'

/** Rows of one pass: so few that decoding them keeps the process's other work waiting for some ms only. */
const MAX_ROWS_PER_PASS = 1_000
/** Fewer where one statement appends them all: every alarm waits for its end. */
const MIN_ROWS_PER_SHARD = { inParts: 32, atOnce: 8 }
/** Points of one pass that were handed over; as soon as so many have come since the last one the next is due. */
export const MAX_POINTS_HANDED = 1_000
/** What the rules of this process have not handed over after this long is read from the log. */
const HANDED_WITHIN_MS = 2_000
/** However much is handed over, the log is looked at so often for what is not. */
const LOG_LOOK_MS = 1_000

export type PassMemory = {
  progress: HistoryProgress
  store: HistoryStore
  /** Null where the store is not in the same database as the progress. */
  appendAndFinish: AppendAndFinish | null
  /** What the rules of this process decoded; null where they run elsewhere. */
  handover: Handover | null
  rows: RowDecoder
  clock: Clock
  log: Log
  metrics: Metrics
  shards: readonly number[]
  /** Of the progress, with no batch on its way, and its cursors; null when they have to be read first. */
  version: number | null
  cursors: Map<number, ShardCursor> | null
  /** When the log was looked at last. */
  lookedAtMs: number
  /** Shards that had more rows than a pass takes: every other pass reads these alone, so that nobody waits for them. */
  behind: Set<number>
  behindOnly: boolean
}

export function createPassMemory(
  parts: Omit<PassMemory, 'version' | 'cursors' | 'lookedAtMs' | 'behind' | 'behindOnly'>,
): PassMemory {
  return {
    ...parts,
    version: null,
    cursors: null,
    lookedAtMs: Number.NEGATIVE_INFINITY,
    behind: new Set(),
    behindOnly: false,
  }
}

/** `handed`: of what was handed over, and there may be more. `lost`: another projector is at work. */
export type Pass = 'handed' | 'more' | 'idle' | 'lost'

/** Where the projector stands has to be read anew. */
export function forgetProgress(memory: PassMemory): void {
  memory.version = null
  memory.cursors = null
  memory.behind.clear()
}

/**
 * One batch: written down, appended, confirmed, and only then passed; or, where the store is in the same database, all of
 * that at once. A batch that somebody left behind goes first.
 * @throws when the database or the history store is away or refuses; then the progress has to be read anew
 */
export async function runPass(memory: PassMemory): Promise<Pass> {
  const { progress } = memory
  if (memory.version === null) {
    const state = await progress.readState()
    if (state.batch !== null) return sendAndFinish(memory, state.version, state.batch)
    memory.version = state.version
  }
  const version = memory.version
  const nowMs = memory.clock.monotonicMs()
  if (nowMs - memory.lookedAtMs < LOG_LOOK_MS) return (await passHanded(memory, version)) ?? passRows(memory, version)
  memory.lookedAtMs = nowMs
  const done = await passRows(memory, version)
  return done === 'idle' ? ((await passHanded(memory, version)) ?? 'idle') : done
}

/** Null: nothing was handed over. */
async function passHanded(memory: PassMemory, version: number): Promise<Pass | null> {
  const handed = memory.cursors && memory.handover?.take(memory.cursors, MAX_POINTS_HANDED)
  if (!handed || handed.cursors.length === 0) return null
  const { points, cursors } = handed
  const done = await carry(memory, version, { points, cursors }, () => memory.rows.keep(handed))
  if (done === 'lost') return done
  // What little there is gathers until it is enough, or until the next sweep: a statement costs the same for one point as
  // for a hundred. And where few could be taken, what else is held stands behind a gap.
  return Math.min(points.length, memory.handover?.held ?? 0) * 2 > MAX_POINTS_HANDED ? 'handed' : 'idle'
}

/** What stands in the log and was not handed over. */
async function passRows(memory: PassMemory, version: number): Promise<Pass> {
  const read = await readRows(memory)
  if (read === null) return 'idle'
  if (read.cursors.length === 0) return memory.behindOnly ? 'more' : 'idle'
  const measured = await memory.rows.decode(read.rows)
  return carry(memory, version, { points: measured.points, cursors: read.cursors }, () => memory.rows.keep(measured))
}

/** @param keep called once the batch is written down */
async function carry(memory: PassMemory, version: number, batch: HistoryBatch, keep?: () => void): Promise<Pass> {
  const { progress, appendAndFinish } = memory
  if (batch.points.length === 0) return finish(memory, version, { cursors: batch.cursors, deadLetters: [] })
  if (appendAndFinish) {
    try {
      if (!(await appendAndFinish(version, batch))) return lose(memory)
      keep?.()
      memory.metrics.count('anlin_history_points_total', batch.points.length)
      return passed(memory, version + 1, batch.cursors)
    } catch (error) {
      // Which point it is has to be found out, and that takes more than one statement.
      if (!isRefused(error)) throw error
    }
  }
  if (!(await progress.propose(version, batch))) return lose(memory)
  keep?.()
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
  return passed(memory, version + 1, done.cursors)
}

function passed(memory: PassMemory, version: number, cursors: readonly ShardCursor[]): Pass {
  memory.version = version
  for (const cursor of cursors) memory.cursors?.set(cursor.shard, cursor)
  // After a batch of somebody else nothing is known of how much is left, so it is looked at once more.
  return 'more'
}

function lose(memory: PassMemory): Pass {
  forgetProgress(memory)
  memory.rows.forget()
  return 'lost'
}

/** Null: the rules will hand over what there is. */
async function readRows(memory: PassMemory) {
  const shards = await shardsToRead(memory)
  if (shards.length === 0) return null
  const least = memory.appendAndFinish ? MIN_ROWS_PER_SHARD.atOnce : MIN_ROWS_PER_SHARD.inParts
  const limitPerShard = Math.max(least, Math.ceil(MAX_ROWS_PER_PASS / shards.length))
  const { rows, ...read } = await memory.progress.readUnread({ shards, limitPerShard })
  memory.cursors ??= new Map(read.cursors.map((cursor) => [cursor.shard, cursor]))
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

async function shardsToRead(memory: PassMemory): Promise<readonly number[]> {
  if (memory.cursors !== null && memory.handover !== null) {
    memory.behindOnly = false
    return memory.progress.readLagging(HANDED_WITHIN_MS)
  }
  memory.behindOnly = memory.cursors !== null && !memory.behindOnly && memory.behind.size > 0
  return memory.behindOnly ? [...memory.behind] : memory.shards
}
