import { expect, test } from 'vitest'
import { decoder } from '../../devices/index.ts'
import type { DecodedSegment, LogRow, ShardCursor } from '../ports.ts'
import { createRowDecoder } from './decode-rows.ts'
import { createHandover } from './handed-over.ts'

const SHARD = 3
const cursorAt = (id: number, shard = SHARD): ShardCursor => ({ shard, xid: 7n, id, version: 1, passedAtMs: id })
const device = { deviceId: 'bed', kind: 'sleep-monitor', room: null, gatewayId: null, retired: false } as const

function rowOf(given: Pick<LogRow, 'shard' | 'id' | 'receivedAt' | 'payload'>): LogRow {
  const about = { homeId: 'home-a', account: 'home-a.gw', topic: 'care/v1/home-a/bed/telemetry', factsVersion: 1 }
  return { ...about, ...given, xid: 7n, qos: 1, packetId: given.id, dup: false, retain: false, rejected: null }
}

/** The rows `from + 1` to `to`, each with a reading whose value is its id. */
function segment(from: number, to: number, shard = SHARD): DecodedSegment {
  const rows = Array.from({ length: to - from }, (_, index) => {
    const id = from + index + 1
    const row = rowOf({ shard, id, receivedAt: id, payload: Buffer.from(String(id)) })
    const meta = { homeId: 'home-a', deviceId: 'bed', messageId: null, at: id, receivedAt: id, retained: false }
    const observations = [{ ...meta, kind: 'measurement' as const, values: { movement: id } }]
    return { row, device, observations, deviceState: id }
  })
  return { from: cursorAt(from, shard), to: cursorAt(to, shard), rows }
}
const cursors = (...all: ShardCursor[]) => new Map(all.map((cursor) => [cursor.shard, cursor]))
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index + 1)
const movements = ({ points }: { points: readonly { values: { movement?: number } }[] }) =>
  points.map(({ values }) => values.movement)

test('what follows a cursor is given once, in order, and moves it', () => {
  const handover = createHandover()
  handover.offer(segment(0, 2))
  handover.offer(segment(2, 5))
  const taken = handover.take(cursors(cursorAt(0)), 100)
  expect(movements(taken)).toEqual(numbers(0, 5))
  expect(taken.cursors).toEqual([cursorAt(5)])
  expect(handover.take(cursors(cursorAt(5)), 100)).toMatchObject({ points: [], cursors: [] })
})

test('rows that the reader has passed already are left out, also in the middle of a segment', () => {
  const handover = createHandover()
  handover.offer(segment(0, 4))
  handover.offer(segment(4, 8))
  const taken = handover.take(cursors(cursorAt(6)), 100)
  expect(movements(taken)).toEqual([7, 8])
  expect(taken.cursors).toEqual([cursorAt(8)])
})

test('over a gap nothing is given, until the reader has closed it by reading the log', () => {
  const handover = createHandover()
  handover.offer(segment(0, 2))
  handover.offer(segment(5, 8))
  expect(movements(handover.take(cursors(cursorAt(0)), 100))).toEqual([1, 2])
  expect(handover.take(cursors(cursorAt(2)), 100).cursors).toEqual([])
  expect(movements(handover.take(cursors(cursorAt(5)), 100))).toEqual([6, 7, 8])
})

test('rows that say nothing measurable move the cursor all the same', () => {
  const handover = createHandover()
  handover.offer({ ...segment(0, 3), rows: [] })
  expect(handover.take(cursors(cursorAt(0)), 100)).toMatchObject({ points: [], cursors: [cursorAt(3)] })
})

test('a batch ends at its limit, and the shard that has waited longest comes first in the next', () => {
  const handover = createHandover()
  for (const shard of [1, 2]) for (const from of [0, 10]) handover.offer(segment(from, from + 10, shard))
  const first = handover.take(cursors(cursorAt(0, 1), cursorAt(0, 2)), 15)
  expect(first.cursors).toEqual([cursorAt(10, 1)])
  handover.offer(segment(20, 30, 1))
  const second = handover.take(cursors(cursorAt(10, 1), cursorAt(0, 2)), 15)
  expect(second.cursors).toEqual([cursorAt(10, 2)])
})

test('what is beyond the limit is left to the log, and what was held is still good', () => {
  const handover = createHandover()
  for (let from = 0; from < 100_000; from += 1_000) handover.offer(segment(from, from + 1_000))
  const taken = handover.take(cursors(cursorAt(0)), 1_000_000)
  expect(taken.points).toHaveLength(50_000)
  expect(taken.cursors).toEqual([cursorAt(50_000)])
})

test('a reading without a time of its own keeps its receipt time, also where the fold held the clock of the home back', () => {
  const handover = createHandover()
  const { from, to, rows } = segment(0, 3)
  const clamped = rows.map(({ observations, ...decoded }) => ({
    ...decoded,
    observations: observations.map((observation) => ({ ...observation, at: 1_000, receivedAt: 1_000 })),
  }))
  handover.offer({ from, to, rows: clamped })
  expect(handover.take(cursors(cursorAt(0)), 100).points.map(({ atMs }) => atMs)).toEqual([1, 2, 3])
})

test('whoever reads on in the log knows of the devices what the rules knew', async () => {
  const SLOW_MS = 8 * 3_600_000
  const rows = Array.from({ length: 12 }, (_, index) => {
    const receivedAt = Date.parse('2026-05-01T08:00:00Z') + index * 15_000
    const body = { at: receivedAt - SLOW_MS, movement: index }
    return rowOf({ shard: SHARD, id: index + 1, receivedAt, payload: Buffer.from(JSON.stringify(body)) })
  })
  const open = () =>
    createRowDecoder({ decoder, readDevices: async () => [{ homeId: 'home-a', factsVersion: 1, devices: [device] }] })
  const whole = open()
  const all = await whole.decode(rows)
  // The clock is believed to be slow after some messages; the others must not be dated eight hours early.
  expect(all.points.at(-1)?.atMs).toBe(rows.at(-1)?.receivedAt)

  const handover = createHandover()
  let state: unknown = null
  const decoded = rows.slice(0, 8).map((row) => {
    const { observations, deviceState } = decoder.decode(state, row, device)
    state = deviceState
    return { row, device, observations, deviceState }
  })
  handover.offer({ from: cursorAt(0), to: cursorAt(8), rows: decoded })
  const inParts = open()
  const handed = handover.take(cursors(cursorAt(0)), 100)
  inParts.keep(handed)
  const rest = await inParts.decode(rows.slice(8))
  expect([...handed.points, ...rest.points]).toEqual(all.points)
})

test('whoever waits for much is called when so much was offered since the last was taken, whatever stands behind a gap', () => {
  const handover = createHandover()
  const calls: number[] = []
  handover.whenever(10, () => calls.push(handover.held))
  handover.offer(segment(0, 9))
  expect(calls).toEqual([])
  handover.offer(segment(9, 12))
  handover.offer(segment(12, 30))
  expect(calls).toEqual([12])
  // A row is missing: nothing is given.
  handover.take(cursors(cursorAt(0, SHARD + 1)), 1_000)
  handover.offer(segment(31, 35))
  handover.offer(segment(35, 50))
  expect(calls).toEqual([12, 49])
})
