import type { ConventionName, Decoded, DeviceKind, PlacedDevice, RawMessage } from './observation.ts'

/** A way of speaking MQTT, pure: how its messages are read, and how they are recognised where nothing is placed yet. */
export type Convention = {
  name: ConventionName
  /** Never throws, whatever the bytes. `placed.address` says where in the topic the device's own part begins. */
  decode(deviceState: unknown, raw: RawMessage, placed: PlacedDevice): Decoded
  /** What seems to speak; null when it does not look like this convention. Never throws. */
  recognise(topic: string, payload: Uint8Array): Subject | null
}

/**
 * What an unknown message is from: `address` as in PlacedDevice, `deviceId` what it is called there, `kind` a guess by its words.
 * `homeId` where the topic says it.
 */
export type Subject = { address: string; deviceId: string; kind: DeviceKind; homeId?: string }
