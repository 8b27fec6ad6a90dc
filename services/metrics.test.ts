import { expect, test } from 'vitest'
import { createMetrics } from './metrics.ts'

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
