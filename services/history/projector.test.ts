import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { HistoryStore, MeasuredPoint } from '../ports.ts'
import { createPostgresHistory } from '../store/postgres/history.ts'
import { createHistoryProgress } from '../store/postgres/history-progress.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { createHistory } from './history.ts'
import {
  type Bench,
  beats,
  cursorsOf,
  numbers,
  placeHomes,
  publish,
  startBench,
  valuesOf,
} from './testing/projector-bench.ts'

let database: TestDatabase
let store: HistoryStore
let benches: Bench[]
beforeEach(async () => {
  database = await createTestDatabase()
  store = createPostgresHistory(database.pool)
  benches = []
  await placeHomes(database.pool, ['home-a', 'home-b'])
})
afterEach(async () => {
  await Promise.all(benches.map((bench) => bench.close()))
  await database.close()
})

async function open(over: HistoryStore = store): Promise<Bench> {
  const bench = await startBench(database.pool, over)
  benches.push(bench)
  return bench
}

test('what devices measure is kept, with bed occupancy as 0 and 1, and nothing else', async () => {
  const { pool } = database
  const at = Date.now() - 60_000
  await publish(pool, [
    { homeId: 'home-a', body: { at, heartRatePerMin: 61, bedOccupied: true } },
    { homeId: 'home-a', leaf: 'event', body: { at: at + 1, kind: 'bed', state: 'empty' } },
    { homeId: 'home-a', leaf: 'event', body: { at: at + 2, kind: 'sos', state: 'pressed', batteryPercent: 55 } },
    { homeId: 'home-a', deviceId: 'gas', body: { at, coPpm: 3.5 } },
    { homeId: 'home-a', deviceId: 'unknown', body: { at, coPpm: 9 } },
    { homeId: 'nowhere', body: { at, heartRatePerMin: 1 } },
    { homeId: 'home-b', body: { heartRatePerMin: 'sixty' } },
  ])
  const { projector } = await open()
  await projector.drain()
  expect(await valuesOf(store, 'home-a')).toEqual([61])
  expect(await valuesOf(store, 'home-a', 'bedOccupied')).toEqual([1, 0])
  expect(await valuesOf(store, 'home-a', 'batteryPercent')).toEqual([55])
  expect(await valuesOf(store, 'home-a', 'coPpm', 'gas')).toEqual([3.5])
  expect((await pool.query('select count(*)::int as n from reading')).rows).toEqual([{ n: 4 }])
})

test('late, out of order, twice in the same ms and sent again: each reading is kept once, at its own time', async () => {
  const { pool } = database
  const at = Date.now() - 3_600_000
  const late = { homeId: 'home-a', body: { at: at - 7_200_000, heartRatePerMin: 44 } }
  const bench = await open()
  await publish(pool, [
    { homeId: 'home-a', body: { at: at + 50, heartRatePerMin: 52 } },
    { homeId: 'home-a', body: { at, heartRatePerMin: 51 } },
    { homeId: 'home-a', body: { at, heartRatePerMin: 50.5 } },
    late,
  ])
  await bench.projector.drain()
  await bench.close()
  // After a restart nobody remembers that the late one has come before.
  const next = await open()
  await publish(pool, [late])
  await next.projector.drain()
  const values = await valuesOf(store, 'home-a')
  expect(values.length).toBe(4)
  expect([values[0], values.slice(1, 3).toSorted(), values[3]]).toEqual([44, [50.5, 51], 52])
})

test('the cursor does not move before the store has confirmed', async () => {
  const { pool } = database
  let away = true
  const unsure: HistoryStore = {
    ...store,
    async append(points) {
      // Stored, but the answer is lost.
      await store.append(points)
      if (away) throw new Error('planted')
    },
  }
  const bench = await open(unsure)
  const before = await cursorsOf(pool)
  await publish(pool, beats('home-a', 0, 50))
  await vi.waitFor(() => expect(bench.logged).toContain('the history waits; the log keeps everything'), 10_000)
  expect(await cursorsOf(pool)).toBe(before)
  expect(await bench.projector.behindMs()).toBeGreaterThan(0)
  const page = await createHistory(store, createHistoryProgress(pool)).read({
    ...{ homeId: 'home-a', deviceId: 'bed', field: 'heartRatePerMin', fromMs: 0, toMs: Date.now(), limit: 1 },
    ...{ windowMs: null, aggregate: 'mean', timeZone: 'UTC' },
  } as const)
  expect(page.behindMs).toBeGreaterThan(0)
  away = false
  await bench.projector.drain()
  expect(await cursorsOf(pool)).not.toBe(before)
  expect(await bench.projector.behindMs()).toBe(0)
  expect(await valuesOf(store, 'home-a', 'movement')).toEqual(numbers(0, 50))
})

test('a batch left behind is sent as it was written down, and what came since goes after it', async () => {
  const { pool } = database
  const sent: MeasuredPoint[][] = []
  const openWith = (append: HistoryStore['append']) =>
    open({
      ...store,
      async append(points) {
        sent.push([...points])
        await append(points)
      },
    })
  const first = await openWith(() => Promise.reject(new Error('planted')))
  await publish(pool, beats('home-a', 0, 2))
  await vi.waitFor(() => expect(sent.length).toBeGreaterThan(0), 10_000)
  await first.close()
  sent.splice(1)
  await publish(pool, beats('home-a', 2, 3))
  const second = await openWith(store.append)
  await second.projector.drain()
  expect(sent.map((batch) => batch.map(({ values }) => values.movement))).toEqual([[0, 1], [0, 1], [2]])
  expect(sent[1]).toEqual(sent[0])
  expect(await valuesOf(store, 'home-a', 'movement')).toEqual(numbers(0, 3))
})

test('two projectors at once, one of them frozen in the middle of a batch: nothing missing, nothing double', async () => {
  const { pool } = database
  const gate = Promise.withResolvers<void>()
  let frozen = 0
  const freezing: HistoryStore = {
    ...store,
    async append(points) {
      frozen += 1
      await gate.promise
      await store.append(points)
    },
  }
  const a = await open(freezing)
  try {
    await publish(pool, beats('home-a', 0, 300))
    await vi.waitFor(() => expect(frozen).toBe(1), 10_000)
    const b = await open()
    for (let batch = 1; batch < 5; batch += 1) {
      await publish(pool, [...beats('home-a', batch * 300, (batch + 1) * 300), ...beats('home-b', batch, batch + 1)])
      await b.projector.drain()
    }
    const moved = await cursorsOf(pool)
    gate.resolve()
    await vi.waitFor(async () => {
      expect(frozen).toBe(1)
      expect(await cursorsOf(pool)).toBe(moved)
    }, 10_000)
    await publish(pool, beats('home-a', 1_500, 1_600))
    await Promise.all([a.projector.drain(), b.projector.drain()])
    expect(await valuesOf(store, 'home-a', 'movement')).toEqual(numbers(0, 1_600))
    expect(await valuesOf(store, 'home-b', 'movement')).toEqual(numbers(1, 5))
  } finally {
    // Also where this fails: nothing else ends the frozen one.
    gate.resolve()
  }
}, 30_000)

test('one busy home does not keep the others waiting, and a large backlog is passed to its end', async () => {
  const { pool } = database
  for (let batch = 0; batch < 6; batch += 1) await publish(pool, beats('home-a', batch * 1_000, (batch + 1) * 1_000))
  await publish(pool, beats('home-b', 0, 1))
  const { projector } = await open()
  await vi.waitFor(async () => expect(await valuesOf(store, 'home-b', 'movement')).toEqual([0]), {
    interval: 5,
    timeout: 10_000,
  })
  await projector.drain()
  expect(await valuesOf(store, 'home-a', 'movement')).toEqual(numbers(0, 6_000))
})
