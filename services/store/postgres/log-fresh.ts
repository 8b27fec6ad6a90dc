import type { FreshBatch, FreshRows, FreshSink, HomeKey } from '../../ports.ts'
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
  const { xid, firstId, lastId, receivedUs, epoch, newFacts, rows: count } = batch
  const receivedAt = Math.floor(receivedUs / 1000)
  const [shards, lanes, homeIds, accounts, flags, packetIds, topics, payloads, rejected] = columnsOf(batch)
  // Those that wait are looked through for the homes of alarms, again and again.
  const ids: string[] = []
  const homeIdOf = (nth: number) => {
    ids[nth] ??= homeIds.text(nth) ?? ''
    return ids[nth]
  }
  const alarms: HomeKey[] = []
  for (let nth = 0; nth < count; nth++) {
    if (lanes.int2(nth) === 0) alarms.push({ homeId: homeIdOf(nth), shard: shards.int2(nth) })
  }
  return {
    first: { xid, id: firstId },
    last: { xid, id: lastId },
    nowMs: receivedAt,
    epoch,
    count,
    shardOf: (nth) => shards.int2(nth),
    homeIdOf,
    payloadBytesOf: (nth) => payloads.bytesOf(nth),
    read(nth) {
      const flag = flags.int2(nth)
      const homeId = homeIdOf(nth)
      return {
        shard: shards.int2(nth),
        xid,
        id: firstId + nth,
        homeId,
        account: accounts.text(nth) ?? '',
        topic: topics.text(nth) ?? '',
        payload: payloads.bytes(nth),
        qos: qosOf(flag),
        packetId: packetIds.int4(nth),
        dup: (flag & 4) !== 0,
        retain: (flag & 8) !== 0,
        receivedAt,
        rejected: rejected.text(nth),
        factsVersion: newFacts?.[homeId] ?? null,
      }
    },
    alarms,
  }
}

type Nine<T> = [T, T, T, T, T, T, T, T, T]

/** In the order of `columnsOf` in log-append.ts. */
function columnsOf({ columns, rows }: FreshBatch): Nine<Column> {
  return columns.map((column) => new Column(column, rows)) as Nine<Column>
}

/** The elements of an array in PostgreSQL's binary format, by their number. */
class Column {
  readonly #bytes: Buffer
  /** Where the length of each stands; the element follows it. */
  readonly #at: Uint32Array

  constructor(column: Uint8Array, count: number) {
    this.#bytes = Buffer.from(column.buffer, column.byteOffset, column.byteLength)
    this.#at = new Uint32Array(count)
    let at = HEADER_BYTES
    for (let nth = 0; nth < count; nth++) {
      this.#at[nth] = at
      at += 4 + Math.max(0, this.#bytes.readInt32BE(at))
    }
  }

  int2(nth: number): number {
    return this.#bytes.readInt16BE(this.#from(nth))
  }
  int4(nth: number): number | null {
    return this.#isNull(nth) ? null : this.#bytes.readInt32BE(this.#from(nth))
  }
  text(nth: number): string | null {
    const from = this.#from(nth)
    return this.#isNull(nth) ? null : this.#bytes.toString('utf8', from, from + this.bytesOf(nth))
  }
  bytes(nth: number): Buffer {
    const from = this.#from(nth)
    return this.#bytes.subarray(from, from + this.bytesOf(nth))
  }
  bytesOf(nth: number): number {
    return this.#bytes.readInt32BE(this.#from(nth) - 4)
  }
  #isNull(nth: number): boolean {
    return this.bytesOf(nth) < 0
  }
  #from(nth: number): number {
    return (this.#at[nth] ?? 0) + 4
  }
}
