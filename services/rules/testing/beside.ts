import type { FoldStore } from '../../ports.ts'
import { createLogAppend } from '../../store/postgres/log-append.ts'
import { freshSinkOf } from '../../store/postgres/log-fresh.ts'
import type { Database } from '../../store/postgres/pool.ts'
import { type Bench, messageOf, startBench, type TestRow } from './rules-bench.ts'

/** `reads`: shards and homes that were read from the log. */
export type Beside = Bench & { reads: { shards: number; homes: number }; say(...rows: TestRow[]): Promise<void> }

/** A worker beside an ingest in one process, which hands over what it commits. */
export async function startBeside(
  pool: Database,
  change: (inner: FoldStore) => FoldStore = (inner) => inner,
  monotonicMs = () => performance.now(),
): Promise<Beside> {
  const reads = { shards: 0, homes: 0 }
  const bench = await startBench(pool, {
    monotonicMs,
    store(inner) {
      const store = change(inner)
      return {
        ...store,
        readUnread(asked) {
          reads.shards += asked.shards.length
          return store.readUnread(asked)
        },
        readHomeRows(asked) {
          reads.homes += asked.homes.length
          return store.readHomeRows(asked)
        },
      }
    },
  })
  const { fresh } = bench.worker
  const log = createLogAppend(pool, freshSinkOf(fresh))
  return { ...bench, reads, say: async (...rows) => void (await log.append(rows.map(messageOf))) }
}
