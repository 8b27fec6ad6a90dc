import { expect, test } from 'vitest'
import type { Figure } from './figures.ts'
import { SLICE } from './plan.ts'
import { percentile } from './presses.ts'
import { numberedReading } from './reading.ts'
import { MEASUREMENTS, runBench } from './run.ts'
import { between, tableOf } from './table.ts'

const SLICE_WITHIN_MS = 240_000

test('a small run measures everything but the storm once and loses nothing', { timeout: SLICE_WITHIN_MS }, async () => {
  const figures = await runBench({
    plan: SLICE,
    only: MEASUREMENTS.filter((name) => name !== 'storm'),
    onProgress() {},
    onFigure() {},
  })
  const byId = new Map(figures.map((figure) => [figure.id, figure]))
  const measured = (id: string): Figure['measured'] => byId.get(id)?.measured ?? {}

  for (const id of ['ingest-throughput', 'ingest-alone', 'bare-aedes-throughput', 'bare-aedes-alone']) {
    const { sent = 0, acknowledged, connectionsLost, pubackP50Ms = 0, pubackP99Ms } = measured(id)
    expect(sent, id).toBeGreaterThan(0)
    expect({ id, acknowledged, connectionsLost }).toEqual({ id, acknowledged: sent, connectionsLost: 0 })
    expect(pubackP99Ms, id).toBeGreaterThanOrEqual(pubackP50Ms)
  }
  // Half of what was kept up with is measured where anything was.
  const kept = ['gateways', 'homes'].filter((town) => measured(`fold-sustained-${town}`).perSecond)
  const loaded = ['press-loaded-gateways', 'press-loaded-homes', ...kept.map((town) => `press-sustained-${town}`)]
  for (const [id, pressed] of [
    ['press-idle', SLICE.idlePresses],
    ...loaded.map((id) => [id, SLICE.loadedPresses] as const),
    ['press-backlog', 5],
  ] as const) {
    expect(measured(id), id).toMatchObject({ pressed, acknowledged: pressed, lost: 0 })
    expect(measured(id).p99Ms, id).toBeGreaterThanOrEqual(measured(id).p50Ms ?? Number.POSITIVE_INFINITY)
  }
  for (const id of loaded) {
    const { townSent, townAcknowledged, townUnanswered } = measured(id)
    expect({ id, townAcknowledged, townUnanswered }).toEqual({ id, townAcknowledged: townSent, townUnanswered: 0 })
  }
  expect(measured('catch-up').rows).toBeGreaterThanOrEqual(SLICE.backlogRows)
  expect(measured('catch-up').perSecond).toBeGreaterThan(0)
  const { rows = 0, logBytes = 0, historyBytes = 0 } = measured('disk')
  expect(Math.min(logBytes, historyBytes) / rows).toBeGreaterThan(100)
  for (const id of ['fold-sustained-gateways', 'fold-sustained-homes']) {
    expect(measured(id).steps, id).toBe(SLICE.foldSteps)
  }
  for (const id of ['rules-alone-gateways', 'rules-alone-homes']) {
    expect(measured(id).steps, id).toBe(SLICE.foldSteps)
    expect(measured(id).rowsWritten, id).toBeGreaterThan(0)
  }
  expect(measured('idle-connections').connections).toBe(SLICE.idleConnections)
  const { bytes, platform = 0, database = 0, simulators = 0 } = measured('demo-memory')
  expect(Math.min(platform, database, simulators)).toBeGreaterThan(0)
  expect(bytes).toBe(platform + database + simulators)

  const table = tableOf(figures)
  for (const { what, shown } of figures) expect(table).toContain(`| ${what} | ${shown} |`)
})

test('readings have the size that was asked for, and ids that never repeat', () => {
  const next = numberedReading('7', 256)
  const readings = Array.from({ length: 1_000 }, () => JSON.parse(next().toString()) as { id: string })
  expect(new Set(readings.map(({ id }) => id)).size).toBe(1_000)
  expect(next().length).toBe(256)
  expect(() => numberedReading('7', 100)).toThrow(/at least/)
})

test('percentiles are of the nearest rank', () => {
  const sorted = Array.from({ length: 200 }, (_, index) => index + 1)
  expect([percentile(sorted, 0.5), percentile(sorted, 0.99), percentile(sorted, 1)]).toEqual([100, 198, 200])
  expect(percentile([], 0.5)).toBeNaN()
})

test('the table replaces what stood between its markers and leaves the rest', () => {
  const page = 'before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n'
  expect(between(page, 'new')).toBe('before\n<!-- bench:begin -->\nnew\n<!-- bench:end -->\nafter\n')
  expect(between('a page without markers', 'new')).toBeNull()
})
