import { HEADER_BYTES, startArray } from './log-append-arrays.ts'

/** Arrays in PostgreSQL's binary format (array_recv), as log-append-arrays.ts makes those of the log. */

const OID = { int8: 20, json: 114, xid8: 5069 } as const
const HIGH_WORD = 0x1_0000_0000

/** For whole numbers from 0 to 2^53. */
export function int8Array<T>(items: readonly T[], pick: (item: T) => number): Buffer {
  const bytes = startArray(items.length, OID.int8, items.length * 12, false)
  let at = HEADER_BYTES
  for (const item of items) {
    const value = pick(item)
    at = bytes.writeInt32BE(8, at)
    at = bytes.writeUInt32BE(Math.floor(value / HIGH_WORD), at)
    at = bytes.writeUInt32BE(value % HIGH_WORD, at)
  }
  return bytes
}

export function xid8Array<T>(items: readonly T[], pick: (item: T) => bigint): Buffer {
  const bytes = startArray(items.length, OID.xid8, items.length * 12, false)
  let at = HEADER_BYTES
  for (const item of items) {
    at = bytes.writeInt32BE(8, at)
    at = bytes.writeBigUInt64BE(pick(item), at)
  }
  return bytes
}

/** @param pick JSON text; it is checked by the server, as any JSON is */
export function jsonArray<T>(items: readonly T[], pick: (item: T) => string): Buffer {
  let total = 0
  for (const item of items) total += 4 + Buffer.byteLength(pick(item))
  const bytes = startArray(items.length, OID.json, total, false)
  let at = HEADER_BYTES
  for (const item of items) {
    const written = bytes.write(pick(item), at + 4, 'utf8')
    at = bytes.writeInt32BE(written, at) + written
  }
  return bytes
}
