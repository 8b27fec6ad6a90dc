/** An array of float8 in PostgreSQL's binary format (array_recv), as log-append-arrays.ts makes those of the log. */

const OID_FLOAT8 = 701
const HEADER_BYTES = 20
const NULL_LENGTH = -1

export function float8Array<T>(items: readonly T[], pick: (item: T) => number | undefined): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + items.length * 12)
  bytes.writeInt32BE(1, 0)
  bytes.writeInt32BE(1, 4)
  bytes.writeInt32BE(OID_FLOAT8, 8)
  bytes.writeInt32BE(items.length, 12)
  bytes.writeInt32BE(1, 16)
  let at = HEADER_BYTES
  for (const item of items) {
    const value = pick(item)
    at = bytes.writeInt32BE(value === undefined ? NULL_LENGTH : 8, at)
    if (value !== undefined) at = bytes.writeDoubleBE(value, at)
  }
  return bytes.subarray(0, at)
}
