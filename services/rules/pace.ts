import type { Hush } from '../core/hush.ts'

/**
 * Rows of one pass. A press waits for the pass in hand, so it is no larger than a few tens of ms; where shards are behind
 * it is filled from few of them, for each home's state is written once a pass however many rows it has.
 */
export const MAX_ROWS_PER_PASS = 1_024
export const MIN_ROWS_PER_SHARD = 32
/**
 * After a pass found n rows in a shard, its next ordinary rows may gather for n times as long, up to a limit: a quiet shard
 * is read at once, and one with over 100 rows a second two or three times a second, each home then with several rows at once.
 */
const GATHER_MS_PER_ROW = 10
const MAX_GATHER_MS = 300
/**
 * And where the homes had fewer rows than this each on average, in so long, a state being read and written for each of them:
 * 11,000 messages a second of 2,000 homes cost platform and database 103 µs each in place of 117, and those of 50 homes nothing less (turn by turn).
 */
const FEW_ROWS_PER_HOME = 4
const MAX_GATHER_MS_OF_FEW = 600
/**
 * And after a pass of n rows in all, the next ordinary one may wait n times as long, for each pass costs the database and us
 * some ms however few rows it has. Up to 100 ms was tried: no cheaper, and the readings two to three times as late.
 */
const REST_MS_PER_ROW = 1
const MAX_REST_MS = 20

/** Which shards have unread rows, when each is worth reading, and how many at once. Bounded by the number of shards. */
export type Pace = {
  /** Rows have come: they are read when the shard's time has come. */
  mark(shard: number): void
  /** It is read in the next pass, whatever has gathered and however hushed it is: there may be an alarm in it. */
  hurry(shard: number): void
  /** Whether the shard has so few rows that they need not gather, and one pass has them all. */
  isQuiet(shard: number, nowMs: number): boolean
  /**
   * Takes ready shards, the longest waiting first, as many as are expected to fill one pass, at least one.
   * @param held shards that somebody else has in hand: they wait, and count as not ready
   * @returns `hurried`: those of them to be hurried again where they are not read after all
   */
  take(
    nowMs: number,
    held: ReadonlySet<number>,
  ): { shards: number[]; limitPerShard: number; hurried: ReadonlySet<number> }
  /** How many rows a pass found in all. */
  passed(rows: number, nowMs: number): void
  /** What a pass found in a shard that it took. `isFull`: as many rows as it was allowed, so there are more. */
  found(shard: number, found: { rows: number; homes: number; isFull: boolean }, nowMs: number): void
  /** Ms until the next shard is ready, 0 where one is; null where nothing is unread, or nothing but what is held. */
  readyInMs(nowMs: number, held: ReadonlySet<number>): number | null
  /** Forgets what is unread: the next sweep finds it. */
  clear(): void
}

type Expected = { rows: number; gatherMs: number; notBeforeMs: number }

/** @param hush while it lasts, only hurried shards are ready */
export function createPace(hush: Hush): Pace {
  // A set keeps the order of insertion: the first shard is the longest waiting.
  const dirty = new Set<number>()
  const expected = new Map<number, Expected>()
  const hurried = new Set<number>()
  /** Shards of which more is left than a pass took: they need not gather. */
  const full = new Set<number>()
  let restUntilMs = Number.NEGATIVE_INFINITY
  const gatheredAt = (shard: number) => expected.get(shard)?.notBeforeMs ?? Number.NEGATIVE_INFINITY
  const dueInMs = (shard: number, nowMs: number) => {
    if (hurried.has(shard)) return 0
    return Math.max(hush.leftMs(nowMs), full.has(shard) ? 0 : Math.max(gatheredAt(shard), restUntilMs) - nowMs)
  }

  return {
    mark: (shard) => void dirty.add(shard),
    hurry(shard) {
      dirty.add(shard)
      hurried.add(shard)
    },
    isQuiet: (shard, nowMs) => !full.has(shard) && (hurried.has(shard) || gatheredAt(shard) <= nowMs),
    take(nowMs, held) {
      const shards: number[] = []
      let rows = 0
      for (const shard of dirty) {
        if (held.has(shard) || dueInMs(shard, nowMs) > 0) continue
        rows += expected.get(shard)?.rows ?? 0
        if (shards.length > 0 && rows > MAX_ROWS_PER_PASS) break
        shards.push(shard)
      }
      const hurriedOfThem = new Set(shards.filter((shard) => hurried.has(shard)))
      for (const shard of shards) {
        dirty.delete(shard)
        hurried.delete(shard)
        full.delete(shard)
      }
      return {
        shards,
        hurried: hurriedOfThem,
        limitPerShard: Math.max(MIN_ROWS_PER_SHARD, Math.ceil(MAX_ROWS_PER_PASS / shards.length)),
      }
    },
    passed(rows, nowMs) {
      restUntilMs = nowMs + Math.min(Math.max(0, rows - 1) * REST_MS_PER_ROW, MAX_REST_MS)
    },
    found(shard, { rows, homes, isFull }, nowMs) {
      if (isFull) {
        dirty.add(shard)
        full.add(shard)
        const more = Math.min(rows * 2, MAX_ROWS_PER_PASS)
        return void expected.set(shard, { rows: more, gatherMs: 0, notBeforeMs: Number.NEGATIVE_INFINITY })
      }
      const gatherMs = gatherMsAfter(rows, homes, expected.get(shard)?.gatherMs ?? 0)
      expected.set(shard, { rows, gatherMs, notBeforeMs: nowMs + gatherMs })
    },
    readyInMs(nowMs, held) {
      let soonest: number | null = null
      for (const shard of dirty) {
        if (held.has(shard)) continue
        soonest = Math.min(soonest ?? Number.POSITIVE_INFINITY, dueInMs(shard, nowMs))
      }
      return soonest
    },
    clear() {
      dirty.clear()
      hurried.clear()
      full.clear()
    },
  }
}

/** @param gatheredMs how long these rows were allowed to: those of a longer time count as what came in MAX_GATHER_MS of it */
function gatherMsAfter(rows: number, homes: number, gatheredMs: number): number {
  const perHome = (rows / homes) * (MAX_GATHER_MS / Math.max(gatheredMs, MAX_GATHER_MS))
  const maxMs = perHome < FEW_ROWS_PER_HOME ? MAX_GATHER_MS_OF_FEW : MAX_GATHER_MS
  return Math.min(Math.max(0, rows - 1) * GATHER_MS_PER_ROW, maxMs)
}
