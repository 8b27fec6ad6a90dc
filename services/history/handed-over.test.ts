import { expect, test } from 'vitest'
import type { DecodedSegment, LogRow, ShardCursor } from '../ports.ts'
import { createHandover } from './handed-over.ts'

const SHARD = 3
const cursorAt = (id: number, shard = SHARD): ShardCursor => ({ shard, xid: 7n, id, version: 1, passedAtMs: id })
const device = { deviceId: 'bed', kind: 'sleep-monitor', room: null, gatewayId: null, retired: false } as const

/** The rows `from + 1` to `to`, each with a reading whose value is its id. */
function segment(from: number, to: number, shard = SHARD): DecodedSegment {
  const rows = Array.from({ length: to - from }, (_, index) => {
    const id = from + index + 1
    const row = { homeId: 'home-a', shard, xid: 7n, id, payload: Buffer.from(String(id)) } as unknown as LogRow
    const meta = { homeId: 'home-a', deviceId: 'bed', messageId: null, at: id, receivedAt: id, retained: false }
    return { row, device, observations: [{ ...meta, kind: 'measurement' as const, values: { movement: id } }] }
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
  expect(handover.take(cursors(cursorAt(5)), 100)).toEqual({ points: [], cursors: [] })
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
  expect(handover.take(cursors(cursorAt(0)), 100)).toEqual({ points: [], cursors: [cursorAt(3)] })
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
