import { decoder } from '../../index.ts'
import type { Decoded, PlacedDevice, RawMessage } from '../../observation.ts'

/** For tests: a device on the native wire whose messages are decoded in order, its state kept as stored JSON. */
const HOME_ID = 'home-001'
const DEVICE_ID = 'device-1'
export const OWN_ACCOUNT = `${HOME_ID}.${DEVICE_ID}`
export const GATEWAY_ACCOUNT = `${HOME_ID}.gateway`
const START = Date.parse('2026-11-23T02:11:10.000Z')

export const placedDevice: PlacedDevice = {
  deviceId: DEVICE_ID,
  kind: 'sos-button',
  room: null,
  gatewayId: null,
  retired: false,
}

export function rawMessage(
  leaf: string,
  payload: string | Uint8Array | object,
  more: Partial<RawMessage> = {},
): RawMessage {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  return {
    homeId: HOME_ID,
    account: OWN_ACCOUNT,
    topic: `care/v1/${HOME_ID}/${DEVICE_ID}/${leaf}`,
    payload: payload instanceof Uint8Array ? payload : new TextEncoder().encode(text),
    qos: 1,
    packetId: 7,
    dup: false,
    retain: false,
    receivedAt: START,
    ...more,
  }
}

export type NativeDevice = {
  now: number
  says(leaf: string, payload: string | Uint8Array | object, more?: Partial<RawMessage>): Decoded
  /** What is said is one event: its state when it counts, else why it does not. */
  event(payload: string | Uint8Array | object, more?: Partial<RawMessage>): string
}

export function nativeDevice(placed: PlacedDevice = placedDevice): NativeDevice {
  let state: unknown = null
  const device: NativeDevice = {
    now: START,
    says(leaf, payload, more = {}) {
      const decoded = decoder.decode(state, rawMessage(leaf, payload, { receivedAt: device.now, ...more }), placed)
      state = JSON.parse(JSON.stringify(decoded.deviceState))
      return decoded
    },
    event(payload, more) {
      const { observations, rejected } = device.says('event', payload, more)
      const [first] = observations
      return first && 'state' in first ? first.state : String(rejected)
    },
  }
  return device
}
