/**
 * The canonical Observation: one thing a device said, whatever convention it said it in. Decoders make it,
 * rules and history read it. Types and the closed lists only: this file has no behaviour.
 */

/** Device kinds a community places in homes. The list is public (see devices/native/README.md). */
export const DEVICE_KINDS = [
  'sos-button',
  'smoke-detector',
  'gas-detector',
  'co-detector',
  'sleep-monitor',
  'fall-sensor',
  'motion-sensor',
  'door-contact',
  'leak-sensor',
  'climate-sensor',
  'voice-assistant',
  'gateway',
] as const
export type DeviceKind = (typeof DEVICE_KINDS)[number]

/** Ways of speaking MQTT that Anlin understands, each a folder here. */
export const CONVENTIONS = ['native', 'zigbee2mqtt'] as const
export type ConventionName = (typeof CONVENTIONS)[number]

/** Measurements by field name with unit, each a finite number. Booleans are 0 or 1, so that history keeps numbers only. */
export const MEASUREMENT_FIELDS = [
  'heartRatePerMin',
  'respirationPerMin',
  'bedOccupied',
  'movement',
  'signalQuality',
  'gasLelPercent',
  'coPpm',
  'temperatureC',
  'humidityPercent',
  'batteryPercent',
  'rssiDbm',
] as const
export type MeasurementField = (typeof MEASUREMENT_FIELDS)[number]

/** How a device came to say it; a retained message or a broker's replay is never a new press. */
export type ObservationMeta = {
  homeId: string
  deviceId: string
  /** The device's own id of the message, where its convention has one. */
  messageId: string | null
  /** What the device's clock said, corrected by its measured offset where plausible, else `receivedAt`; epoch ms. */
  at: number
  /** The database's clock when the message was committed; epoch ms. */
  receivedAt: number
  retained: boolean
}

export type ObservationBody =
  | { kind: 'sos'; state: 'pressed' | 'cancelled' | 'test' }
  | { kind: 'smoke' | 'gas' | 'co' | 'leak' | 'fall'; state: 'alarm' | 'cleared' | 'test' }
  | { kind: 'bed'; state: 'occupied' | 'empty' }
  | { kind: 'tamper' | 'fault'; state: 'alarm' | 'cleared' }
  | { kind: 'battery'; percent: number | null; low: boolean | null }
  | { kind: 'device'; state: 'online' | 'offline' }
  | { kind: 'motion'; state: 'detected' | 'clear' }
  | { kind: 'door'; state: 'open' | 'closed' }
  | { kind: 'measurement'; values: Partial<Record<MeasurementField, number>> }

export type Observation = ObservationMeta & ObservationBody

/** One message as the log keeps it: what a decoder is given, besides the device's state. */
export type RawMessage = {
  homeId: string
  /** The account that published it: a device's own, or its gateway's. */
  account: string
  topic: string
  payload: Uint8Array
  qos: 0 | 1 | 2
  /** MQTT's packet identifier; null at QoS 0. With DUP it recognises a repeat of a message that has no id of its own. */
  packetId: number | null
  dup: boolean
  retain: boolean
  /** Epoch ms, the database's clock. */
  receivedAt: number
}

/** A device as the community placed it: what a decoder and the rules know of it besides what it says. */
export type PlacedDevice = {
  deviceId: string
  kind: DeviceKind
  room: string | null
  gatewayId: string | null
  /** How it speaks; natively where it is not said. */
  convention?: ConventionName | null
  /**
   * The beginning of its topics in its convention, up to 256 characters: `zigbee2mqtt/bathroom button`; of a gateway that
   * of everything behind it: `zigbee2mqtt`. Natively the topic names home and device, and there is none.
   */
  address?: string | null
  retired: boolean
}

/**
 * What a decoder makes of one message. `deviceState` is its own JSON value, null before the first message and handed
 * back with the next. `rejected` may stand beside observations: the rest of the message could be read. `withheld`: what
 * is left out as a duplicate or as kept from earlier, for whoever looks at devices; no rule is given it.
 */
export type Decoded = {
  deviceState: unknown
  observations: Observation[]
  rejected: RejectionCode | null
  withheld?: readonly Observation[]
}

/** How messages are read. The rules are given one, so that they know no convention. */
export type Decoder = {
  /**
   * Which device of the home the message is from, `devices` being those that are placed there; null when no convention knows
   * the topic. Natively the topic says it, whether or not such a device is placed.
   */
  deviceIdOf(raw: Pick<RawMessage, 'homeId' | 'account' | 'topic'>, devices: readonly PlacedDevice[]): string | null
  /** Pure, and never throws, whatever the bytes. */
  decode(deviceState: unknown, raw: RawMessage, placed: PlacedDevice): Decoded
}

/** Why a message, or a part of it, is no observation. Stable codes: they are stored, counted and shown. */
export type RejectionCode =
  | 'unknown-topic'
  | 'unknown-device'
  | 'not-json'
  | 'not-an-object'
  | 'unknown-kind'
  | 'unknown-state'
  | 'missing-field'
  | 'out-of-range'
  | 'nothing-known'
  /** Understood, and nothing that anybody has to know: a command's echo, a list of devices, an empty action. */
  | 'ignored'
  | 'duplicate'
  | 'stale-retained'
  /** Nothing is wrong with what was read: the device gave an event the id of another one, so its repeats are not known. */
  | 'id-reused'
