import { randomUUID } from 'node:crypto'
import type { Database } from './pool.ts'

/** What each append begins with. The lock makes it see the row as it is now, and not as of the statement's snapshot. */
export const WRITER = 'writer as materialized (select sole from log_writer for share)'
/** Where `writer` lets the appender with this id write. */
export const mayWrite = (id: string) => `writer.sole is null or writer.sole = ${id}`

/** Whether this process alone may write the log, or all may. */
export type LogWriter = {
  /** By which its appends are known; null where it writes among others. */
  id(): string | null
  /** Before the next append, the table has to be told who writes: at the start, and after each of the two below. */
  announce(): Promise<void>
  /** Somebody else writes too: from now on so does this one, among others. */
  yield(): void
  /** Nobody knows what became of an append: it may still be under way, and must not be stored after the next one. */
  outcomeUnknown(): void
}

/**
 * Who writes alone is only what the one row says, and every append looks at it. Whoever comes later takes the row over or
 * makes it null, and waits for the appends under way, which hold it; an append of the former sole writer that begins later
 * stores nothing, and then that one writes among others for the rest of its life.
 * @param wantsAll whether it hands over what it writes, and so would rather be alone
 */
export function createLogWriter(pool: Database, wantsAll: boolean): LogWriter {
  let isAlone = wantsAll
  let id: string | null = null
  let announced = false
  return {
    id: () => id,
    async announce() {
      if (announced) return
      // A new one each time: an append of the old one that the server has not even begun stores nothing any more.
      const next = isAlone ? randomUUID() : null
      await pool.query('update log_writer set sole = $1 where sole is distinct from $1', [next])
      id = next
      announced = true
    },
    yield() {
      isAlone = false
      announced = false
    },
    outcomeUnknown() {
      // Among others the same holds as ever: what is tried again may be stored twice.
      if (isAlone) announced = false
    },
  }
}
