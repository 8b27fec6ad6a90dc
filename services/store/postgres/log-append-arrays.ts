/**
 * Arrays in PostgreSQL's binary format (array_recv): pg would write an array of bytea as hexadecimal text, which costs
 * more than everything else in an append together.
 */

export const HEADER_BYTES = 20
const NULL_LENGTH = -1
const OID = { bytea: 17, int2: 21, int4: 23, text: 25 } as const

/**
 * Memory of its own, at the price of a µs: a part of Node's pool can only be copied to another thread, and the whole pool with it
 * (0.3 ms of each press).
 */
export function startArray(length: number, oid: number, dataBytes: number, hasNull: boolean): Buffer<ArrayBuffer> {
  const bytes = Buffer.allocUnsafeSlow(HEADER_BYTES + dataBytes)
  bytes.writeInt32BE(1, 0)
  bytes.writeInt32BE(hasNull ? 1 : 0, 4)
  bytes.writeInt32BE(oid, 8)
  bytes.writeInt32BE(length, 12)
  bytes.writeInt32BE(1, 16)
  return bytes
}

export function int2Array<T>(items: readonly T[], pick: (item: T) => number): Buffer<ArrayBuffer> {
  const bytes = startArray(items.length, OID.int2, items.length * 6, false)
  let at = HEADER_BYTES
  for (const item of items) {
    at = bytes.writeInt32BE(2, at)
    at = bytes.writeInt16BE(pick(item), at)
  }
  return bytes
}

export function int4Array<T>(items: readonly T[], pick: (item: T) => number | null): Buffer<ArrayBuffer> {
  const bytes = startArray(items.length, OID.int4, items.length * 8, true)
  let at = HEADER_BYTES
  for (const item of items) {
    const value = pick(item)
    at = bytes.writeInt32BE(value === null ? NULL_LENGTH : 4, at)
    if (value !== null) at = bytes.writeInt32BE(value, at)
  }
  return bytes.subarray(0, at)
}

export function textArray<T>(items: readonly T[], pick: (item: T) => string | null): Buffer<ArrayBuffer> {
  let most = 0
  for (const item of items) most += 4 + (pick(item)?.length ?? 0) * 3
  const bytes = startArray(items.length, OID.text, most, true)
  let at = HEADER_BYTES
  for (const item of items) {
    const text = pick(item)
    const written = text === null ? 0 : bytes.write(text, at + 4, 'utf8')
    at = bytes.writeInt32BE(text === null ? NULL_LENGTH : written, at) + written
  }
  return bytes.subarray(0, at)
}

export function byteaArray<T>(items: readonly T[], pick: (item: T) => Uint8Array): Buffer<ArrayBuffer> {
  let total = 0
  for (const item of items) total += 4 + pick(item).length
  const bytes = startArray(items.length, OID.bytea, total, false)
  let at = HEADER_BYTES
  for (const item of items) {
    const value = pick(item)
    at = bytes.writeInt32BE(value.length, at)
    bytes.set(value, at)
    at += value.length
  }
  return bytes
}
