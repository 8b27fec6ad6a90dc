/**
 * A 53-bit hash of bytes, fast and not cryptographic (cyrb53, public domain, by bryc). It recognises repeats among a
 * handful of a device's own recent messages; whoever forges a collision only hides a message of their own.
 */
export function contentHash(bytes: Uint8Array, seed: number): number {
  let high = 0xdeadbeef ^ seed
  let low = 0x41c6ce57 ^ seed
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] as number
    high = Math.imul(high ^ byte, 2654435761)
    low = Math.imul(low ^ byte, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return 4294967296 * (2097151 & low) + (high >>> 0)
}

/** FNV-1a over the characters of an id, 32 bits. */
export function textHash(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0
}
