import { expect, test } from 'vitest'
import type { HistoryAsked, HistoryStore, MeasuredPoint } from '../../ports.ts'

/** What every history store must do, whatever stands behind it: the same stories run against each. */

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOON = Date.parse('2026-11-10T12:00:00Z')
let homes = 0

export function point(changed: Partial<MeasuredPoint> & Pick<MeasuredPoint, 'homeId'>): MeasuredPoint {
  const made = {
    deviceId: 'bed',
    deviceKind: 'sleep-monitor',
    atMs: NOON,
    sequence: 0,
    values: { heartRatePerMin: 60 },
  }
  return { ...made, ...changed } as MeasuredPoint
}

export function asked(changed: Partial<HistoryAsked> & Pick<HistoryAsked, 'homeId'>): HistoryAsked {
  return {
    deviceId: 'bed',
    field: 'heartRatePerMin',
    fromMs: NOON - 400 * DAY,
    toMs: NOON + 400 * DAY,
    windowMs: null,
    aggregate: 'mean',
    timeZone: 'Asia/Shanghai',
    limit: 10_000,
    ...changed,
  }
}

/** Homes of a test's own, for the store is one for all of them. */
export const newHome = () => `home-${++homes}`

export function historyContract(open: () => HistoryStore): void {
  keeping(open)
  windows(open)
  days(open)
}

function keeping(open: () => HistoryStore): void {
  test('what was appended is read back, each home, device and field by itself', async () => {
    const store = open()
    const [home, other] = [newHome(), newHome()]
    const values = { heartRatePerMin: 61.5, respirationPerMin: 14, bedOccupied: 1 }
    await store.append([
      point({ homeId: home, values }),
      point({ homeId: other, values: { heartRatePerMin: 99 } }),
      point({ homeId: home, deviceId: 'air', deviceKind: 'climate-sensor', values: { temperatureC: -3.25 } }),
    ])
    expect(await store.read(asked({ homeId: home }))).toEqual([{ atMs: NOON, value: 61.5 }])
    expect(await store.read(asked({ homeId: home, field: 'bedOccupied' }))).toEqual([{ atMs: NOON, value: 1 }])
    expect(await store.read(asked({ homeId: home, field: 'coPpm' }))).toEqual([])
    expect(await store.read(asked({ homeId: home, deviceId: 'air', field: 'temperatureC' }))).toEqual([
      { atMs: NOON, value: -3.25 },
    ])
  })

  test('the same again changes nothing, whole, in part and beside something new', async () => {
    const store = open()
    const homeId = newHome()
    const points = Array.from({ length: 1_200 }, (_, index) =>
      point({ homeId, atMs: NOON + index * 1_000, values: { heartRatePerMin: index } }),
    )
    await store.append(points)
    await store.append(points)
    await store.append([...points.slice(900), point({ homeId, atMs: NOON - 1, values: { heartRatePerMin: 7 } })])
    const stored = await store.read(asked({ homeId }))
    expect(stored.length).toBe(1_201)
    expect(stored[0]).toEqual({ atMs: NOON - 1, value: 7 })
    expect(stored.slice(1).map(({ value }) => value)).toEqual(points.map((_, index) => index))
  })

  test('two in the same ms are both kept, in the order of their sequence', async () => {
    const store = open()
    const homeId = newHome()
    await store.append([
      point({ homeId, sequence: 999_999, values: { heartRatePerMin: 2 } }),
      point({ homeId, sequence: 4, values: { heartRatePerMin: 1 } }),
    ])
    expect(await store.read(asked({ homeId }))).toEqual([
      { atMs: NOON, value: 1 },
      { atMs: NOON, value: 2 },
    ])
  })

  test('late data finds its place, months back and out of order', async () => {
    const store = open()
    const homeId = newHome()
    const times = [NOON, NOON - 70 * DAY, NOON + DAY, NOON - 40 * DAY]
    for (const atMs of times) await store.append([point({ homeId, atMs })])
    expect((await store.read(asked({ homeId }))).map(({ atMs }) => atMs)).toEqual(times.toSorted((a, b) => a - b))
  })

  test('from is within, to is without, and the limit keeps the oldest', async () => {
    const store = open()
    const homeId = newHome()
    await store.append([0, 1, 2, 3, 4].map((index) => point({ homeId, atMs: NOON + index })))
    const within = await store.read(asked({ homeId, fromMs: NOON + 1, toMs: NOON + 4, limit: 2 }))
    expect(within.map(({ atMs }) => atMs - NOON)).toEqual([1, 2])
    expect((await store.read(asked({ homeId, fromMs: NOON + 1, toMs: NOON + 4 }))).length).toBe(3)
  })

  test('the last value of each field is found, unless it is too old', async () => {
    const store = open()
    const homeId = newHome()
    await store.append([
      point({ homeId, atMs: NOON - 2 * DAY, values: { batteryPercent: 80 } }),
      point({ homeId, atMs: NOON - HOUR, values: { heartRatePerMin: 60, respirationPerMin: 15 } }),
      point({ homeId, atMs: NOON, values: { heartRatePerMin: 58 } }),
    ])
    const fields = ['heartRatePerMin', 'respirationPerMin', 'batteryPercent', 'coPpm'] as const
    expect(await store.last({ homeId, deviceId: 'bed', fields, sinceMs: NOON - DAY })).toEqual({
      heartRatePerMin: { atMs: NOON, value: 58 },
      respirationPerMin: { atMs: NOON - HOUR, value: 15 },
    })
    expect(await store.last({ homeId, deviceId: 'bed', fields: [], sinceMs: 0 })).toEqual({})
  })

  test('an empty append is confirmed, and names with odd characters are names', async () => {
    const store = open()
    await store.append([])
    const homeId = `${newHome()} a,b=c "d" 'e' \\`
    await store.append([point({ homeId, deviceId: "客厅,'1' = 1" })])
    expect((await store.read(asked({ homeId, deviceId: "客厅,'1' = 1" }))).length).toBe(1)
    expect(await store.read(asked({ homeId, deviceId: "' or '1' = '1" }))).toEqual([])
  })
}

function windows(open: () => HistoryStore): void {
  test('windows hold mean, least, most, last and count, and gaps stay gaps', async () => {
    const store = open()
    const homeId = newHome()
    const measured = [
      [0, 60],
      [HOUR / 2, 70],
      [HOUR - 1, 65],
      [5 * HOUR, 90],
    ] as const
    await store.append(
      measured.map(([offset, value]) => point({ homeId, atMs: NOON + offset, values: { heartRatePerMin: value } })),
    )
    const expected = { mean: [65, 90], min: [60, 90], max: [70, 90], last: [65, 90], count: [3, 1] } as const
    for (const aggregate of ['mean', 'min', 'max', 'last', 'count'] as const) {
      const read = await store.read(asked({ homeId, windowMs: HOUR, aggregate }))
      expect(read, aggregate).toEqual([
        { atMs: NOON, value: expected[aggregate][0] },
        { atMs: NOON + 5 * HOUR, value: expected[aggregate][1] },
      ])
    }
  })

  test('hours begin on the hour of the clock on the wall, also where that is half an hour off', async () => {
    const store = open()
    const homeId = newHome()
    await store.append([point({ homeId, atMs: NOON + 5 * 60_000 })])
    const read = await store.read(asked({ homeId, windowMs: HOUR, aggregate: 'count', timeZone: 'Asia/Kolkata' }))
    expect(read).toEqual([{ atMs: NOON - HOUR / 2, value: 1 }])
  })
}

function days(open: () => HistoryStore): void {
  async function countsPerDay(timeZone: string, from: string, hours: number) {
    const store = open()
    const homeId = newHome()
    const start = Date.parse(from)
    const points = Array.from({ length: hours }, (_, hour) => point({ homeId, atMs: start + hour * HOUR }))
    await store.append(points)
    const read = await store.read(asked({ homeId, windowMs: DAY, aggregate: 'count', timeZone }))
    return read.map(({ atMs, value }) => [new Date(atMs).toISOString(), value])
  }

  test("a day begins at the home's midnight", async () => {
    expect(await countsPerDay('Asia/Shanghai', '2026-09-15T16:00:00Z', 48)).toEqual([
      ['2026-09-15T16:00:00.000Z', 24],
      ['2026-09-16T16:00:00.000Z', 24],
    ])
  })

  test('where the clock goes forward a day has 23 hours, where it goes back 25', async () => {
    expect(await countsPerDay('Europe/Berlin', '2026-03-27T23:00:00Z', 71)).toEqual([
      ['2026-03-27T23:00:00.000Z', 24],
      ['2026-03-28T23:00:00.000Z', 23],
      ['2026-03-29T22:00:00.000Z', 24],
    ])
    expect(await countsPerDay('Europe/Berlin', '2026-10-23T22:00:00Z', 73)).toEqual([
      ['2026-10-23T22:00:00.000Z', 24],
      ['2026-10-24T22:00:00.000Z', 25],
      ['2026-10-25T23:00:00.000Z', 24],
    ])
  })

  test('the hour that comes twice in that night is two hours', async () => {
    const store = open()
    const homeId = newHome()
    const start = Date.parse('2026-10-24T23:30:00Z')
    await store.append([0, 1, 2, 3].map((hour) => point({ homeId, atMs: start + hour * HOUR })))
    const read = await store.read(asked({ homeId, windowMs: HOUR, aggregate: 'count', timeZone: 'Europe/Berlin' }))
    expect(read.map(({ atMs, value }) => [(atMs - start) / HOUR, value])).toEqual([
      [-0.5, 1],
      [0.5, 1],
      [1.5, 1],
      [2.5, 1],
    ])
  })
}
