import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasInfluxd, type Influxd, startInfluxd } from '../../simulators/trials/influxd.ts'
import type { HistoryStore } from '../ports.ts'
import { createInfluxHistory } from '../store/influx/influx-history.ts'
import { asked, historyContract, newHome, point } from './testing/history-contract.ts'

const keyedHash = (text: string) => createHmac('sha256', 'test').update(text).digest()

describe.skipIf(!hasInfluxd)('history in InfluxDB', () => {
  let influxd: Influxd
  let store: HistoryStore
  beforeAll(async () => {
    influxd = await startInfluxd()
    store = createInfluxHistory(influxd.address, keyedHash)
  })
  afterAll(() => influxd.close())

  historyContract(() => store)

  test('it knows no home and no device by name', async () => {
    const homeId = newHome()
    await store.append([point({ homeId, deviceId: 'sleep-bedroom' })])
    const said = (await influxd.ask('SHOW SERIES')) + (await influxd.ask('SELECT * FROM reading'))
    expect(said).toContain('sleep-monitor')
    expect(said).not.toContain('sleep-bedroom')
    expect(said).not.toContain(homeId)
  })

  test('a batch that is too large goes in halves', async () => {
    // The server takes 100,000 bytes at a time.
    const homeId = newHome()
    const points = Array.from({ length: 5_000 }, (_, index) => point({ homeId, atMs: 1_790_000_000_000 + index }))
    await store.append(points)
    expect((await store.read(asked({ homeId }))).length).toBe(5_000)
  })

  test('a value that is no number is refused, and what stood beside it may go again', async () => {
    const homeId = newHome()
    const good = point({ homeId })
    const poison = point({ homeId, atMs: good.atMs + 1, values: { heartRatePerMin: Number.NaN } })
    await expect(store.append([good, poison])).rejects.toMatchObject({ code: 'refused' })
    await store.append([good])
    expect((await store.read(asked({ homeId }))).length).toBe(1)
  })

  test('without its database, or beyond its limit of devices, it is nobody’s point that is to blame', async () => {
    const elsewhere = createInfluxHistory({ ...influxd.address, bucket: 'nowhere' }, keyedHash)
    await expect(elsewhere.append([point({ homeId: newHome() })])).rejects.toMatchObject({ code: 'denied' })
    const homeId = newHome()
    const devices = Array.from({ length: 6_000 }, (_, index) => point({ homeId, deviceId: `device-${index}` }))
    await expect(store.append(devices)).rejects.toMatchObject({ code: 'capacity' })
  })

  test('what is older than it keeps does not hold up what is new', async () => {
    await influxd.ask('CREATE DATABASE short WITH DURATION 1d')
    const short = createInfluxHistory({ ...influxd.address, bucket: 'short' }, keyedHash)
    const homeId = newHome()
    const now = Date.now()
    await short.append([point({ homeId, atMs: now - 30 * 86_400_000 }), point({ homeId, atMs: now })])
    const read = await short.read(asked({ homeId, fromMs: now - 400 * 86_400_000, toMs: now + 1 }))
    expect(read.map(({ atMs }) => atMs)).toEqual([now])
  })
})
