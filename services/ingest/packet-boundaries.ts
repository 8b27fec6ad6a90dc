const PUBLISH = 3
/** A remaining length has at most four digits [MQTT-2.2.3]. */
const LAST_DIGIT_SHIFT = 21

/** Follows MQTT's packet boundaries through a stream of chunks, however they are cut. */
export type PacketBoundaries = {
  /** Bytes of the present packet that are still to come. */
  missing: number
  /** The next byte belongs to a remaining length, and so many bits of it are known. */
  inLength: boolean
  shift: number
  length: number
  /** Packets whose header has been seen whole. */
  packets: number
}

export function packetBoundaries(): PacketBoundaries {
  return { missing: 0, inLength: false, shift: 0, length: 0, packets: 0 }
}

/**
 * Counts the PUBLISH packets that begin in `chunk`, or answers null as soon as a packet announces more than `maxBytes`:
 * the parser would collect it in memory before it says anything (Aedes alone took a CONNECT of 120 MB).
 */
export function countPublishes(at: PacketBoundaries, chunk: Uint8Array, maxBytes: number): number | null {
  let publishes = 0
  let position = 0
  while (position < chunk.length) {
    if (at.missing > 0) {
      const skipped = Math.min(at.missing, chunk.length - position)
      at.missing -= skipped
      position += skipped
      continue
    }
    const byte = chunk[position++] ?? 0
    if (!at.inLength) {
      if (byte >> 4 === PUBLISH) publishes++
      at.inLength = true
      at.shift = 0
      at.length = 0
      continue
    }
    at.length += (byte & 0x7f) << at.shift
    const more = byte >= 0x80
    if (at.length > maxBytes || (more && at.shift === LAST_DIGIT_SHIFT)) return null
    at.shift += 7
    if (more) continue
    at.inLength = false
    at.missing = at.length
    at.packets++
  }
  return publishes
}
