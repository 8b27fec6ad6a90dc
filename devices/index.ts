import { findAddressed } from './addressing.ts'
import type { Convention, Subject } from './convention.ts'
import { decodeNative, nativeDeviceId, recogniseNative } from './native/decode.ts'
import type { ConventionName, Decoder, PlacedDevice, RawMessage } from './observation.ts'
import { zigbee2mqtt } from './zigbee2mqtt/decode.ts'

/** Every convention Anlin understands, in the order in which an unknown message is tried. */
const conventions: Record<ConventionName, Convention> = {
  native: { name: 'native', decode: decodeNative, recognise: recogniseNative },
  zigbee2mqtt,
}

/** Natively the topic names the device; in any other convention it is found by topic and account. */
export const decoder: Decoder = {
  deviceIdOf: (raw, devices) => nativeDeviceId(raw) ?? findAddressed(raw, devices)?.deviceId ?? null,
  decode(deviceState, raw, placed) {
    const name = conventionOf(raw, placed)
    const states = statesOf(deviceState)
    const decoded = conventions[name].decode(states[name] ?? null, raw, placed)
    return { ...decoded, deviceState: keptState({ ...states, [name]: decoded.deviceState }) }
  },
}

/** A device that speaks otherwise may still say something natively: a gateway's last will, a lamp's answer. */
function conventionOf(raw: RawMessage, placed: PlacedDevice): ConventionName {
  if (!placed.address || nativeDeviceId(raw) !== null) return 'native'
  return placed.convention ?? 'native'
}

/**
 * Each convention's own state, for a device may be placed anew with another one and no decoder understands what another
 * remembers. Of the many that only ever speak natively it is stored as it is, without a name.
 */
type States = Partial<Record<ConventionName, unknown>>
const NAMED = 'byConvention'

function statesOf(deviceState: unknown): States {
  if (typeof deviceState !== 'object' || deviceState === null) return {}
  return NAMED in deviceState ? (deviceState[NAMED] as States) : { native: deviceState }
}

function keptState(states: States): unknown {
  const isNativeAlone = Object.keys(states).every((name) => name === 'native')
  return isNativeAlone ? states.native : { [NAMED]: states }
}

/** Which convention a message looks like, and what it seems to be from, where nothing is placed; null: none that is known. */
export function recognise(topic: string, payload: Uint8Array): (Subject & { convention: ConventionName }) | null {
  for (const convention of Object.values(conventions)) {
    const subject = convention.recognise(topic, payload)
    if (subject) return { ...subject, convention: convention.name }
  }
  return null
}
