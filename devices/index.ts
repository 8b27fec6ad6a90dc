import { findAddressed } from './addressing.ts'
import type { Convention, Subject } from './convention.ts'
import { decodeNative, nativeDeviceId, recogniseNative } from './native/decode.ts'
import type { ConventionName, Decoder } from './observation.ts'
import { zigbee2mqtt } from './zigbee2mqtt/decode.ts'

/** Every convention Anlin understands, in the order in which an unknown message is tried. */
const conventions: Record<ConventionName, Convention> = {
  native: { name: 'native', decode: decodeNative, recognise: recogniseNative },
  zigbee2mqtt,
}

/** Natively the topic names the device; in any other convention it is found by topic and account. */
export const decoder: Decoder = {
  deviceIdOf: (raw, devices) => nativeDeviceId(raw) ?? findAddressed(raw, devices)?.deviceId ?? null,
  decode: (deviceState, raw, placed) =>
    conventions[placed.address ? (placed.convention ?? 'native') : 'native'].decode(deviceState, raw, placed),
}

/** Which convention a message looks like, and what it seems to be from, where nothing is placed; null: none that is known. */
export function recognise(topic: string, payload: Uint8Array): (Subject & { convention: ConventionName }) | null {
  for (const convention of Object.values(conventions)) {
    const subject = convention.recognise(topic, payload)
    if (subject) return { ...subject, convention: convention.name }
  }
  return null
}
