import pg from 'pg'
import { expect, test } from 'vitest'
import { openBench } from './api/testing/bench.ts'
import { HOME } from './api/testing/community.ts'
import { createMetrics } from './metrics.ts'
import { beginAndHold } from './testing/postgres.ts'

/** The value of a series on the page; undefined where there is none. */
async function shown(page: { text(): Promise<string> }, series: string): Promise<number | undefined> {
  const line = (await page.text()).split('\n').find((candidate) => candidate.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

test('a figure that nobody could look at again says how old it is', async () => {
  let nowMs = 1_000
  const metrics = createMetrics(() => nowMs)
  metrics.gauge('anlin_reader_lag_seconds', 0.2, { reader: 'rules' })
  metrics.gauge('anlin_reader_lag_seconds', 0.3, { reader: 'history' })
  metrics.gauge('anlin_oldest_transaction_seconds', 0)
  metrics.gauge('anlin_outbox_oldest_seconds', 0)
  nowMs += 30_000
  metrics.gauge('anlin_reader_lag_seconds', 0.4, { reader: 'history' })
  const age = (labels: string) => shown(metrics, `anlin_look_age_seconds{${labels}}`)
  expect(await age('figure="anlin_reader_lag_seconds",reader="rules"')).toBe(30)
  expect(await age('figure="anlin_reader_lag_seconds",reader="history"')).toBe(0)
  expect(await age('figure="anlin_oldest_transaction_seconds"')).toBe(30)
  expect(await age('figure="anlin_outbox_oldest_seconds"')).toBe(30)
  expect(await shown(metrics, 'anlin_reader_lag_seconds{reader="rules"}')).toBe(0.2)
})

test('a message that waits to be sent says since when, and once it is on its way how long the press took', async () => {
  const bench = await openBench()
  const page = async () => (await bench.app.inject('/metrics')).body
  const figure = async (series: string) => (await shown({ text: page }, series)) ?? expect.unreachable(series)
  const beganAt = performance.now()
  const passedS = () => (performance.now() - beganAt) / 1_000
  await bench.raise(HOME, { receivedAt: Date.now() - 40_000 })
  await bench.pool.query(
    "update outbox set created_at = created_at - interval '30 s', due_at = due_at - interval '30 s'",
  )
  // As a sender elsewhere that stalls with it in hand.
  const stalled = new pg.Client({ connectionString: bench.databaseUrl })
  await stalled.connect()
  await beginAndHold(stalled, 'select 1 from outbox for update')
  await bench.sweep()
  const waits = await figure('anlin_outbox_oldest_seconds')
  expect(waits).toBeGreaterThanOrEqual(30)
  expect(waits).toBeLessThan(30 + passedS())
  expect(await figure('anlin_press_to_request_seconds_count')).toBe(0)

  await stalled.end()
  await bench.send()
  await bench.sweep()
  expect(await figure('anlin_outbox_oldest_seconds')).toBe(0)
  expect(await figure('anlin_press_to_request_seconds_count')).toBe(1)
  const took = await figure('anlin_press_to_request_seconds_sum')
  expect(took).toBeGreaterThanOrEqual(40)
  expect(took).toBeLessThan(40 + passedS())
  await bench.close()
})
