import { createHmac } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { hasInfluxd, type Influxd, startInfluxd } from '../../simulators/trials/influxd.ts'
import type { HistoryStore } from '../ports.ts'
import { createInfluxHistory } from '../store/influx/influx-history.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { MAX_REFUSED_PER_BATCH } from './delivery.ts'
import { type Bench, cursorsOf, placeHomes, publish, startBench, valuesOf } from './testing/projector-bench.ts'

const HOMES = Array.from({ length: 20 }, (_, index) => `home-${index}`)
const keyedHash = (text: string) => createHmac('sha256', 'test').update(text).digest()

describe.skipIf(!hasInfluxd)('the projector with InfluxDB', () => {
  let influxd: Influxd
  let database: TestDatabase
  let store: HistoryStore
  /** The test's own, as patient as that of the platform. */
  let reader: HistoryStore
  let bench: Bench
  beforeAll(async () => {
    influxd = await startInfluxd()
  })
  afterAll(() => influxd.close())
  beforeEach(async () => {
    database = await createTestDatabase()
    await placeHomes(database.pool, HOMES)
    await influxd.ask('DROP DATABASE care')
    await influxd.ask('CREATE DATABASE care')
    store = createInfluxHistory(influxd.address, keyedHash, 1_000)
    reader = createInfluxHistory(influxd.address, keyedHash)
    bench = await startBench(database.pool, store)
  })
  afterEach(async () => {
    await bench.close()
    await database.close()
  })

  /** A second's worth of the town: every home speaks `each` times. */
  async function speak(round: number, each: number): Promise<void> {
    const at = Date.now() - 3_600_000
    const messages = HOMES.flatMap((homeId) =>
      Array.from({ length: each }, (_, index) => ({
        homeId,
        body: { at: at + index, movement: round * each + index },
      })),
    )
    await publish(database.pool, messages)
  }

  async function expectAll(count: number): Promise<void> {
    await bench.projector.drain()
    const all = Array.from({ length: count }, (_, index) => index)
    for (const homeId of HOMES) {
      const stored = await valuesOf(reader, homeId, 'movement')
      expect(
        stored.toSorted((one, other) => one - other),
        homeId,
      ).toEqual(all)
    }
  }

  test('InfluxDB killed in mid stream, away while more comes in, and back: nothing missing, nothing double', async () => {
    let round = 0
    const speakFor = async (rounds: number) => {
      for (const end = round + rounds; round < end; round += 1) await speak(round, 100)
    }
    for (let kill = 1; kill <= 3; kill += 1) {
      await speakFor(3)
      await influxd.kill()
      const before = bench.logged.length
      await speakFor(3)
      await vi.waitFor(
        () => expect(bench.logged.slice(before)).toContain('the history waits; the log keeps everything'),
        20_000,
      )
      const stood = await cursorsOf(database.pool)
      await speakFor(1)
      expect(await cursorsOf(database.pool)).toBe(stood)
      expect(await bench.projector.behindMs()).toBeGreaterThan(0)
      await influxd.start()
    }
    await expectAll(round * 100)
    expect(bench.logged).toContain('the history goes on')
  })

  test('InfluxDB frozen past every time-out and thawed: nothing missing, nothing double', async () => {
    await speak(0, 100)
    influxd.freeze()
    try {
      await speak(1, 100)
      await vi.waitFor(() => expect(bench.logged).toContain('the history waits; the log keeps everything'), {
        timeout: 20_000,
      })
    } finally {
      influxd.thaw()
    }
    await speak(2, 100)
    await expectAll(300)
  }, 60_000)

  test('a point that InfluxDB will never take is set aside with its reason, and the others go on', async () => {
    // Somebody wrote this field as an integer: InfluxDB takes no fraction for it any more.
    await fetch(`${influxd.address.url}/write?db=care`, { method: 'POST', body: 'reading,home=x,device=x coPpm=1i' })
    await publish(database.pool, [
      ...HOMES.map((homeId) => ({ homeId, body: { at: Date.now() - 1_000, movement: 1 } })),
      { homeId: 'home-3', deviceId: 'gas', body: { at: Date.now() - 1_000, coPpm: 7.5 } },
    ])
    await bench.projector.drain()
    for (const homeId of HOMES) expect(await valuesOf(reader, homeId, 'movement'), homeId).toEqual([1])
    const { rows } = await database.pool.query('select home_id, device_id, reason, point from history_dead_letter')
    expect(rows).toMatchObject([
      { home_id: 'home-3', device_id: 'gas', point: { deviceKind: 'gas-detector', values: { coPpm: 7.5 } } },
    ])
    expect(rows[0].reason).toContain('field type conflict')
  })

  test('when point after point is refused the history stands still, loudly, and nothing is set aside', async () => {
    await fetch(`${influxd.address.url}/write?db=care`, { method: 'POST', body: 'reading,home=x,device=x coPpm=1i' })
    expect(HOMES.length).toBeGreaterThan(MAX_REFUSED_PER_BATCH)
    const stood = await cursorsOf(database.pool)
    await publish(
      database.pool,
      HOMES.map((homeId) => ({ homeId, deviceId: 'gas', body: { coPpm: 1 } })),
    )
    await vi.waitFor(() => expect(bench.gauges['anlin_history_stopped too-many-refused']).toBe(1), 10_000)
    expect(await cursorsOf(database.pool)).toBe(stood)
    expect((await database.pool.query('select 1 from history_dead_letter')).rowCount).toBe(0)
  })

  test('without its database the history stands still, loudly, until somebody makes it', async () => {
    await influxd.ask('DROP DATABASE care')
    await speak(0, 3)
    await vi.waitFor(() => expect(bench.gauges['anlin_history_stopped denied']).toBe(1), 10_000)
    expect(await bench.projector.behindMs()).toBeGreaterThan(0)
    await bench.close()
    await influxd.ask('CREATE DATABASE care')
    bench = await startBench(database.pool, store)
    await expectAll(3)
  })
})
