import { expect, test } from 'vitest'
import type { FreshRows, LogRow } from '../ports.ts'
import { KeptRows } from './fresh-rows.ts'

function keptRow(id: number, more: Partial<LogRow> = {}): LogRow {
  const meta = {
    shard: 1,
    xid: BigInt(id),
    id,
    homeId: 'home-a',
    account: 'a',
    topic: 't',
    factsVersion: null,
    rejected: null,
  }
  const flags = { qos: 1 as const, packetId: 1, dup: false, retain: false, receivedAt: id }
  return { ...meta, ...flags, payload: Buffer.alloc(1), ...more }
}
function batch(rows: LogRow[]): FreshRows {
  const rowAt = (nth: number) => {
    const row = rows.at(nth)
    if (!row) throw new Error('a batch has rows')
    return row
  }
  return {
    first: rowAt(0),
    last: rowAt(-1),
    nowMs: 0,
    epoch: 0,
    count: rows.length,
    shardOf: (nth) => rowAt(nth).shard,
    homeIdOf: (nth) => rowAt(nth).homeId,
    payloadBytesOf: (nth) => rowAt(nth).payload.length,
    read: rowAt,
    alarms: [],
  }
}
function offer(kept: KeptRows, ...rows: LogRow[]): void {
  for (const row of rows) kept.offer(batch([row]))
}
const cursor = { shard: 1, xid: 0n, id: 0, version: 5, passedAtMs: 0 }
const nothing = { cursor, rows: [], hidden: undefined, limit: 10 }

test('a shard is at hand only when the log was read whole, since keeping began, and nothing is hidden that is not kept', () => {
  const kept = new KeptRows([1])
  const early = kept.era
  offer(kept, keptRow(7), keptRow(8))
  kept.join(nothing, early)
  kept.join({ ...nothing, limit: 0 }, kept.era)
  kept.join({ ...nothing, hidden: { shard: 1, xid: 6n, id: 6 } }, kept.era)
  kept.join({ ...nothing, hidden: { shard: 1, xid: 9n, id: 9 } }, kept.era)
  expect(kept.isAtHand(1)).toBe(false)
  kept.join({ ...nothing, hidden: { shard: 1, xid: 7n, id: 7 } }, kept.era)
  expect(kept.isAtHand(1)).toBe(true)
  expect(kept.take([1], 1)).toMatchObject({ before: [cursor], rows: [{ id: 7 }] })
  expect(kept.take([1], 9)).toMatchObject({ before: [{ xid: 7n, id: 7, version: 6 }], rows: [{ id: 8 }] })
})

test('a read that stopped at its limit is enough where it reaches into what is kept', () => {
  const kept = new KeptRows([1])
  offer(kept, keptRow(7), keptRow(8))
  kept.join({ ...nothing, rows: [keptRow(6)], limit: 1 }, kept.era)
  expect(kept.isAtHand(1)).toBe(false)
  kept.join({ ...nothing, rows: [keptRow(7)], limit: 1 }, kept.era)
  expect(kept.take([1], 9)).toMatchObject({ before: [{ id: 7, version: 6 }], rows: [{ id: 8 }] })
})

test('what was read of the log beyond what has been offered by then is not kept', () => {
  const kept = new KeptRows([1])
  offer(kept, keptRow(7))
  kept.join({ ...nothing, rows: [keptRow(7), keptRow(8)] }, kept.era)
  offer(kept, keptRow(8), keptRow(9))
  expect(kept.take([1], 9)).toMatchObject({ before: [{ id: 8, version: 6 }], rows: [{ id: 9 }] })
})

test('a shard whose commit was lost is at hand again only when the log was read beyond what was taken', () => {
  const kept = new KeptRows([1])
  offer(kept, keptRow(7), keptRow(8))
  kept.join(nothing, kept.era)
  kept.take([1], 1)
  const before = kept.era
  kept.forget([1])
  kept.join(nothing, before)
  kept.join({ ...nothing, hidden: { shard: 1, xid: 7n, id: 7 } }, kept.era)
  expect([kept.isAtHand(1), kept.take([1], 9).rows]).toEqual([false, []])
  kept.join({ ...nothing, rows: [keptRow(7)] }, kept.era)
  expect(kept.take([1], 9)).toMatchObject({ before: [{ id: 7, version: 6 }], rows: [{ id: 8 }] })
})

test('with more than it may keep, all of it is left to the log, and what comes next is kept', () => {
  const kept = new KeptRows([1])
  offer(kept, keptRow(1))
  kept.join(nothing, kept.era)
  offer(kept, keptRow(2, { payload: Buffer.alloc(33 * 2 ** 20) }))
  expect([kept.isAtHand(1), kept.waiting(1)]).toEqual([false, 0])
  offer(kept, keptRow(3))
  kept.join({ ...nothing, hidden: { shard: 1, xid: 2n, id: 2 } }, kept.era)
  expect(kept.isAtHand(1)).toBe(false)
  kept.join({ ...nothing, rows: [keptRow(1), keptRow(2)] }, kept.era)
  expect(kept.take([1], 9).rows).toMatchObject([{ id: 3 }])
  const many = Array.from({ length: 50_001 }, (_, nth) => keptRow(nth + 4, { xid: 4n }))
  kept.offer(batch(many))
  expect([kept.isAtHand(1), kept.waiting(1)]).toEqual([false, 0])
})

test('what nobody takes for some seconds is left to the log, for one row keeps its whole batch', () => {
  const kept = new KeptRows([1, 2])
  const at = (id: number, nowMs: number, shard = 1) => ({ ...batch([keptRow(id, { shard })]), nowMs })
  kept.offer(at(1, 1_000))
  kept.join({ ...nothing, cursor: { ...cursor, shard: 2 } }, kept.era)
  kept.offer(at(2, 6_000, 2))
  expect([kept.isAtHand(2), kept.waiting(1), kept.take([2], 9).rows.length]).toEqual([true, 1, 1])
  kept.offer(at(3, 6_001, 2))
  expect([kept.isAtHand(2), kept.waiting(1), kept.waiting(2)]).toEqual([false, 0, 0])
})

test('what was stored without being offered ends it for every shard', () => {
  const kept = new KeptRows([1])
  offer(kept, keptRow(1))
  kept.join(nothing, kept.era)
  const before = kept.era
  kept.lost()
  expect([kept.isAtHand(1), kept.waiting(1)]).toEqual([false, 0])
  offer(kept, keptRow(5))
  kept.join(nothing, before)
  expect(kept.isAtHand(1)).toBe(false)
})
