import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'

/**
 * How far the readers of the log are behind, asked of the database itself, read-only: `/metrics` says it once a second,
 * which is too coarse for a stopwatch.
 */
export type LogReading = {
  /** Age of the oldest row that a reader has not passed, over all shards; 0 where nothing waits. */
  lagSeconds(reader: string): Promise<number>
  /** The greatest lag seen until `over` resolves, looked at five times a second. */
  greatestLag(reader: string, over: Promise<unknown>): Promise<number>
  /** Resolves when nothing waits. @throws when that takes longer than any measurement may */
  untilCaughtUp(reader: string): Promise<void>
  /** The same of every reader: only then is the machine idle, and the next measurement pays for nothing of the last. */
  untilIdle(): Promise<void>
  /** Of these homes: the lost gateways that the rules have told of so far, and of how many an incident was opened. */
  lostGateways(homeIds: readonly string[]): Promise<{ signals: number; incidents: number }>
  /** What a table takes on disk with its indexes, over all its partitions. */
  bytesOf(table: 'observation_log' | 'reading'): Promise<number>
  end(): Promise<void>
}

const READERS = ['rules', 'history']
const LOOK_EVERY_MS = 200
const CATCH_UP_WITHIN_MS = 300_000
const LAG = `
  select coalesce(max(extract(epoch from clock_timestamp() - l.received_at)), 0)::float8 as lag
  from log_cursor c
  cross join lateral (
    select received_at from observation_log l
    where l.shard = c.shard and (l.xid, l.id) > (c.xid, c.id)
      and l.received_at >= least(c.passed_at, now()) - interval '1 day'
    order by l.xid, l.id limit 1
  ) l
  where c.reader = $1`

const LOST_GATEWAYS = `
  select (select count(*)::int from incident_input
          where home_id = any($1) and body #>> '{signal,why,code}' = 'gateway-lost') as signals,
    (select count(*)::int from incident where home_id = any($1) and subject = 'gateway:lost') as incidents`

const BYTES = `
  select coalesce(sum(pg_total_relation_size(inhrelid)), 0)::float8 as bytes
  from pg_inherits where inhparent = $1::regclass`

export async function readLog(databaseUrl: string): Promise<LogReading> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'anlin-bench' })
  // Ended from outside it tells so at its next question.
  client.on('error', () => undefined)
  await client.connect()
  const lagSeconds = async (reader: string) => {
    const { rows } = await client.query<{ lag: number }>({ name: 'lag', text: LAG, values: [reader] })
    return rows[0]?.lag ?? 0
  }
  async function untilCaughtUp(reader: string): Promise<void> {
    const deadline = performance.now() + CATCH_UP_WITHIN_MS
    // A row of this moment's batch may wait while the reader keeps up; a lag below a look's length is none.
    while ((await lagSeconds(reader)) * 1000 > LOOK_EVERY_MS) {
      if (performance.now() > deadline) throw new Error(`${reader} has not caught up after ${CATCH_UP_WITHIN_MS} ms`)
      await wait(LOOK_EVERY_MS / 4)
    }
  }
  return {
    lagSeconds,
    async greatestLag(reader, over) {
      let running = true
      const ended = over.finally(() => {
        running = false
      })
      let greatest = 0
      while (running) {
        greatest = Math.max(greatest, await lagSeconds(reader))
        await Promise.race([ended, wait(LOOK_EVERY_MS)])
      }
      return greatest
    },
    untilCaughtUp,
    async untilIdle() {
      for (const reader of READERS) await untilCaughtUp(reader)
    },
    async lostGateways(homeIds) {
      const { rows } = await client.query<{ signals: number; incidents: number }>(LOST_GATEWAYS, [homeIds])
      return rows[0] ?? { signals: 0, incidents: 0 }
    },
    async bytesOf(table) {
      const { rows } = await client.query<{ bytes: number }>({ text: BYTES, values: [table] })
      return rows[0]?.bytes ?? 0
    },
    end: () => client.end(),
  }
}
