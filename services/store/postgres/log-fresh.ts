import type { FreshBatch, FreshRows, FreshSink, HomeKey, LogRow } from '../../ports.ts'
import { HEADER_BYTES } from './log-append-arrays.ts'
import { qosOf } from './log-read.ts'

/** To log-append.ts what takes its rows, to the rules what commits them. */
export function freshSinkOf(rules: Omit<FreshSink, 'offer'> & { offer(batch: FreshRows): void }): FreshSink {
  return {
    expect: (homeIds) => rules.expect(homeIds),
    offer: (batch) => rules.offer(freshRowsOf(batch)),
    lost: () => rules.lost(),
  }
}

/** What log-append.ts committed, as a reader of the log would get it: from the bytes that were sent to the database. */
export function freshRowsOf(batch: FreshBatch): FreshRows {
  const { xid, firstId, lastId, receivedUs, epoch, newFacts } = batch
  const [shards, lanes, homeIds, accounts, flags, packetIds, topics, payloads, rejected] = batch.columns.map(readArray)
  const receivedAt = Math.floor(receivedUs / 1000)
  const rows: LogRow[] = []
  const alarms: HomeKey[] = []
  for (let nth = 0; nth < batch.rows; nth++) {
    const flag = flags?.int2() ?? 0
    const homeId = homeIds?.text() ?? ''
    const shard = shards?.int2() ?? 0
    if (lanes?.int2() === 0) alarms.push({ homeId, shard })
    rows.push({
      shard,
      xid,
      id: firstId + nth,
      homeId,
      account: accounts?.text() ?? '',
      topic: topics?.text() ?? '',
      payload: payloads?.bytes() ?? Buffer.alloc(0),
      qos: qosOf(flag),
      packetId: packetIds?.int4() ?? null,
      dup: (flag & 4) !== 0,
      retain: (flag & 8) !== 0,
      receivedAt,
      rejected: rejected?.text() ?? null,
      factsVersion: newFacts?.[homeId] ?? null,
    })
  }
  return { first: { xid, id: firstId }, last: { xid, id: lastId }, nowMs: receivedAt, epoch, rows, alarms }
}

/** Reads the elements of an array in PostgreSQL's binary format one after the other; null where one is null. */
function readArray(column: Uint8Array) {
  const buffer = Buffer.from(column.buffer, column.byteOffset, column.byteLength)
  let at = HEADER_BYTES
  /** @returns where the next element is; null: it is null */
  function next(): { from: number; to: number } | null {
    const length = buffer.readInt32BE(at)
    at += 4
    if (length < 0) return null
    const from = at
    at += length
    return { from, to: at }
  }
  return {
    int2() {
      const place = next()
      return place && buffer.readInt16BE(place.from)
    },
    int4() {
      const place = next()
      return place && buffer.readInt32BE(place.from)
    },
    text() {
      const place = next()
      return place && buffer.toString('utf8', place.from, place.to)
    },
    bytes() {
      const place = next()
      return place && buffer.subarray(place.from, place.to)
    },
  }
}
