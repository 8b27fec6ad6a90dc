import { sleepReading } from './resident.ts'
import { between, type Random, rounded } from './seeded.ts'

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

export type Beat = {
  /** The pause after this beat, before jitter. */
  nextMs: number
  status: object | null
  telemetry: object | null
  event: object | null
}

/** `occupied`: the bed of the home. */
export type DeviceNow = { occupied: boolean; batteryPercent: number; random: Random }

/** What a device says of itself with nothing happening, and how long it is then quiet (the beats of its supervision class). */
export function ordinaryBeat(kind: string, device: DeviceNow): Beat {
  const { random, batteryPercent } = device
  const online = { state: 'online', batteryPercent, rssiDbm: Math.round(between(random, -72, -55)) }
  switch (kind) {
    case 'gateway':
      return { nextMs: MINUTE_MS, status: { state: 'online', rssiDbm: online.rssiDbm }, telemetry: null, event: null }
    case 'sleep-monitor': {
      const nextMs = device.occupied ? 10 * SECOND_MS : MINUTE_MS
      return { nextMs, status: null, telemetry: sleepReading(device.occupied, random), event: null }
    }
    case 'gas-detector':
      return { nextMs: MINUTE_MS, status: null, telemetry: gasReading(random, batteryPercent), event: null }
    case 'co-detector':
      return { nextMs: HOUR_MS, status: online, telemetry: { coPpm: 0, batteryPercent }, event: null }
    // Somebody crosses the living room every few minutes, and lies in bed at night.
    case 'motion-sensor':
      if (device.occupied) return { nextMs: HOUR_MS / 2, status: online, telemetry: null, event: null }
      return {
        nextMs: between(random, 2, 9) * MINUTE_MS,
        status: null,
        telemetry: null,
        event: { kind: 'motion', state: 'detected', batteryPercent },
      }
    default:
      return { nextMs: HOUR_MS, status: online, telemetry: null, event: null }
  }
}

/** Clean kitchen air: cooking moves it a little, nothing comes near a limit. */
export function gasReading(random: Random, batteryPercent: number): object {
  return {
    gasLelPercent: rounded(between(random, 0, 1.5), 1),
    coPpm: 0,
    temperatureC: rounded(between(random, 19, 24), 1),
    batteryPercent,
  }
}
