import { expect, test } from 'vitest'
import { logHintKey } from '../core/log-hint.ts'
import { shardOf } from '../core/shard.ts'
import { errorCode, openPool } from '../store/postgres/pool.ts'
import { createTestDatabase } from '../testing/postgres.ts'
import { append, signalCount, startBench } from './testing/rules-bench.ts'

const REACHED_WITHIN_MS = 5_000
/** SQLSTATE of a transaction that stood idle for too long; one that was open for too long has another. */
const IDLE_IN_TRANSACTION = '25P03'

test('a worker frozen inside its writing transaction keeps the press of another home for seconds, not for ever', async () => {
  const database = await createTestDatabase()
  const { pool } = database
  let hidden = 0
  const bench = await startBench(pool, {
    store: (inner) => ({
      ...inner,
      async readHomeRows(asked) {
        const read = await inner.readHomeRows(asked)
        hidden += read.hiddenHomes.size
        return read
      },
      async readUnread(asked) {
        const read = await inner.readUnread(asked)
        hidden += read.hidden.length
        return read
      },
    }),
  })
  // Its connections are opened as every role's are; then it does nothing more, as a frozen process does.
  const frozen = await openPool(database.url, { max: 1, name: 'frozen' })
  const held = await frozen.connect()
  const ends: string[] = []
  held.on('error', (error) => ends.push(errorCode(error)))
  const { rows } = await held.query<{ ms: number }>(
    "select setting::int as ms from pg_settings where name = 'idle_in_transaction_session_timeout'",
  )
  await held.query('begin')
  await held.query("insert into change (kind, home_id, ref) values ('home', 'home-b', '')")

  await append(pool, [{ homeId: 'home-a', payload: 'press', urgent: true }])
  void bench.worker.onHint(logHintKey({ shard: shardOf('home-a'), homeId: 'home-a' }))
  await bench.worker.sweep()
  // Without that this test would show nothing.
  expect(hidden).toBeGreaterThan(0)
  await expect.poll(() => signalCount(pool, 'home-a'), { interval: 20, timeout: 20_000 }).toBe(1)
  // What ended it, and after how long by its own limit: our clock would measure the machine too.
  expect(ends[0]).toBe(IDLE_IN_TRANSACTION)
  expect(rows[0]?.ms).toBeLessThan(REACHED_WITHIN_MS - 1_000)

  await bench.worker.close()
  held.release(new Error('frozen'))
  await frozen.end()
  await database.close()
})
