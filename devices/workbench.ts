import { accountOf } from './device-account.ts'
import { decoder, recognise } from './index.ts'
import type { ConventionName, Observation, PlacedDevice, RejectionCode } from './observation.ts'

/** Messages of devices that nobody has placed: each is placed as what it looks like, and then decoded as it will be. */

/** Devices remembered; of more the longest known is forgotten, and its next message is its first. */
const MAX_DEVICES = 10_000
const ANY_HOME = 'home'

export type BenchMessage = { topic: string; payload: Uint8Array; retained: boolean; receivedAt: number }

/** What an observation says besides its home; `at` in ISO 8601. */
type BenchObservation = Omit<Observation, 'homeId' | 'at' | 'receivedAt' | 'retained' | 'messageId'> & {
  at: string
  duplicate?: true
  stale?: true
}
export type BenchAnswer = {
  convention: ConventionName | null
  observations: BenchObservation[]
  rejected: RejectionCode | null
}

export function createWorkbench(): { decode(message: BenchMessage): BenchAnswer } {
  const devices = new Map<string, { placed: PlacedDevice; state: unknown }>()

  return {
    decode({ topic, payload, retained, receivedAt }) {
      const subject = recognise(topic, payload)
      if (subject === null) return { convention: null, observations: [], rejected: 'unknown-topic' }
      const { convention, address, deviceId, kind, homeId = ANY_HOME } = subject
      const key = convention === 'native' ? `${homeId}/${deviceId}` : address
      const known = devices.get(key) ?? { placed: place(deviceId, kind, convention, address), state: null }
      if (!devices.has(key) && devices.size >= MAX_DEVICES) forgetOldest(devices)
      const account = accountOf(homeId, convention === 'native' ? deviceId : 'gateway')
      const raw = {
        homeId,
        account,
        topic,
        payload,
        qos: 1,
        packetId: 1,
        dup: false,
        retain: retained,
        receivedAt,
      } as const
      const { deviceState, observations, rejected, withheld = [] } = decoder.decode(known.state, raw, known.placed)
      devices.set(key, { ...known, state: deviceState })
      const why = rejected === 'duplicate' ? { duplicate: true as const } : { stale: true as const }
      return {
        convention,
        observations: [...observations.map(told), ...withheld.map((said) => ({ ...told(said), ...why }))],
        rejected,
      }
    },
  }
}

function place(
  deviceId: string,
  kind: PlacedDevice['kind'],
  convention: ConventionName,
  address: string,
): PlacedDevice {
  const isNative = convention === 'native'
  return {
    deviceId,
    kind,
    room: null,
    gatewayId: isNative ? null : 'gateway',
    convention,
    address: isNative ? null : address,
    retired: false,
  }
}

function forgetOldest(devices: Map<string, unknown>): void {
  for (const key of devices.keys()) {
    devices.delete(key)
    return
  }
}

function told(observation: Observation): BenchObservation {
  const { homeId: _home, receivedAt: _received, retained: _retained, messageId: _id, at, ...rest } = observation
  return { ...rest, at: new Date(at).toISOString() }
}
