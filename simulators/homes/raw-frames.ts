/** A broker that announces more than this to a mere publisher is none we know; the connection is ended. */
const MAX_FRAME_BYTES = 1024 * 1024

export const CONNACK = 0x20
export const PUBACK = 0x40
export const PINGREQ = Buffer.from([0xc0, 0])
export const DISCONNECT = Buffer.from([0xe0, 0])

class FrameError extends Error {
  readonly code = 'frame'
}

export type OnFrame = (type: number, bytes: Buffer, bodyStart: number) => void

/**
 * Cuts a TCP stream into MQTT 3.1.1 frames [MQTT-2.2]. `onFrame` gets the packet type (the upper four bits), and where the
 * body begins in `bytes`; both are valid only during the call. Throws FrameError on what cannot be a frame.
 */
export function frameReader(onFrame: OnFrame): (chunk: Buffer) => void {
  let rest: Buffer | null = null
  return (chunk) => {
    const bytes: Buffer = rest ? Buffer.concat([rest, chunk]) : chunk
    let at = 0
    for (;;) {
      const body = bodyOf(bytes, at)
      if (body === null || body.end > bytes.length) break
      onFrame((bytes[at] ?? 0) & 0xf0, bytes, body.start)
      at = body.end
    }
    rest = at === bytes.length ? null : bytes.subarray(at)
  }
}

function bodyOf(bytes: Buffer, at: number): { start: number; end: number } | null {
  let length = 0
  for (let digit = 0; digit < 4; digit += 1) {
    const byte = bytes[at + 1 + digit]
    if (byte === undefined) return null
    length += (byte & 0x7f) << (7 * digit)
    if (byte < 0x80) {
      if (length > MAX_FRAME_BYTES) throw new FrameError(`a frame of ${length} bytes`)
      const start = at + 2 + digit
      return { start, end: start + length }
    }
  }
  throw new FrameError('a remaining length of more than four bytes')
}

/** Bytes of a whole QoS 1 PUBLISH with a topic and payload of these sizes. */
export function publishBytes(topicBytes: number, payloadBytes: number): number {
  const remaining = 4 + topicBytes + payloadBytes
  return 1 + lengthBytes(remaining) + remaining
}

function lengthBytes(length: number): number {
  if (length < 0x80) return 1
  if (length < 0x4000) return 2
  return length < 0x200000 ? 3 : 4
}

export type Publish = { topic: Buffer; payload: Buffer | string; payloadBytes: number; packetId: number; dup: boolean }

/** Writes a QoS 1 PUBLISH [MQTT-3.3] and returns where it ends. The caller has made sure of the room. */
export function writePublish(
  target: Buffer,
  at: number,
  { topic, payload, payloadBytes, packetId, dup }: Publish,
): number {
  let end = at
  target[end++] = dup ? 0x3a : 0x32
  let remaining = 4 + topic.length + payloadBytes
  do {
    target[end++] = (remaining & 0x7f) | (remaining > 0x7f ? 0x80 : 0)
    remaining >>>= 7
  } while (remaining > 0)
  end = target.writeUInt16BE(topic.length, end)
  end += topic.copy(target, end)
  end = target.writeUInt16BE(packetId, end)
  return end + (typeof payload === 'string' ? target.write(payload, end) : payload.copy(target, end))
}
