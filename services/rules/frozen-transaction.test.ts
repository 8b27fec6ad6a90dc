import { expect, test } from 'vitest'
import { logHintKey } from '../core/log-hint.ts'
import { shardOf } from '../core/shard.ts'
import { openPool } from '../store/postgres/pool.ts'
import { createTestDatabase } from '../testing/postgres.ts'
import { append, signalCount, startBench } from './testing/rules-bench.ts'

const REACHED_WITHIN_MS = 5_000

test('a worker frozen inside its writing transaction keeps the press of another home for seconds, not for ever', async () => {
  const database = await createTestDatabase()
  const { pool } = database
  const bench = await startBench(pool)
  // Its connections are opened as every role's are; then it does nothing more, as a frozen process does.
  const frozen = await openPool(database.url, { max: 1, name: 'frozen' })
  const held = await frozen.connect()
  await held.query('begin')
  await held.query("insert into change (kind, home_id, ref) values ('home', 'home-b', '')")

  const pressedAt = performance.now()
  await append(pool, [{ homeId: 'home-a', payload: 'press', urgent: true }])
  void bench.worker.onHint(logHintKey({ shard: shardOf('home-a'), homeId: 'home-a' }))
  // Hidden meanwhile: without that this test would show nothing.
  await bench.worker.sweep()
  expect(await signalCount(pool, 'home-a')).toBe(0)
  await expect.poll(() => signalCount(pool, 'home-a'), { interval: 20, timeout: REACHED_WITHIN_MS }).toBe(1)
  expect(performance.now() - pressedAt).toBeLessThan(REACHED_WITHIN_MS)

  await bench.worker.close()
  held.release(new Error('frozen'))
  await frozen.end()
  await database.close()
})
