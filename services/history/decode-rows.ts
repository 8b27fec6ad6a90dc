import { contentHash } from '../../devices/content-hash.ts'
import type { Decoder, MeasurementField, Observation, PlacedDevice } from '../../devices/observation.ts'
import type { HomeDevices, LogRow, MeasuredPoint } from '../ports.ts'

/** Decoder states kept, about half a KB each; the longest silent device starts anew as after a restart. */
const MAX_DEVICES = 20_000
/** Homes whose devices are kept; of more the longest silent is read again. */
const MAX_HOMES = 10_000
const SEQUENCES = 1_000_000

/** What rows of the log say, and the decoder states after them: kept only once the points are written down. */
export type Measured = { points: MeasuredPoint[]; states: Map<string, unknown> }

export type RowDecoder = {
  /** In commit order. Rows that say nothing that can be measured give no point. */
  decode(rows: readonly LogRow[]): Promise<Measured>
  keep(measured: Pick<Measured, 'states'>): void
  /** As after a restart: somebody else may have gone on from where this one stood. */
  forget(): void
}

/** Decodes the log once more, for its numbers: why a message is no observation is the rules' business. */
export function createRowDecoder(parts: {
  decoder: Decoder
  readDevices: (homeIds: readonly string[]) => Promise<HomeDevices[]>
}): RowDecoder {
  const states = new Map<string, unknown>()
  const homes = new Map<string, { factsVersion: number; devices: readonly PlacedDevice[] }>()

  async function loadHomes(rows: readonly LogRow[]): Promise<void> {
    const missing = new Set<string>()
    for (const { homeId, factsVersion, rejected } of rows) {
      if (rejected === null && factsVersion && homes.get(homeId)?.factsVersion !== factsVersion) missing.add(homeId)
    }
    if (missing.size === 0) return
    for (const { homeId, factsVersion, devices } of await parts.readDevices([...missing])) {
      putLast(homes, homeId, { factsVersion, devices }, MAX_HOMES)
    }
  }

  return {
    async decode(rows) {
      await loadHomes(rows)
      const measured: Measured = { points: [], states: new Map() }
      for (const row of rows) {
        if (row.rejected !== null) continue
        const devices = homes.get(row.homeId)?.devices ?? []
        const deviceId = parts.decoder.deviceIdOf(row, devices)
        const placed = devices.find((device) => device.deviceId === deviceId)
        if (placed === undefined) continue
        const key = stateKey(row.homeId, placed)
        const before = measured.states.get(key) ?? states.get(key) ?? null
        const { deviceState, observations } = parts.decoder.decode(before, row, placed)
        measured.states.set(key, deviceState)
        const point = toPoint(row, placed, observations)
        if (point !== null) measured.points.push(point)
      }
      return measured
    },
    keep(measured) {
      for (const [key, state] of measured.states) putLast(states, key, state, MAX_DEVICES)
    },
    forget: () => states.clear(),
  }
}

export function stateKey(homeId: string, { deviceId }: PlacedDevice): string {
  return `${homeId}/${deviceId}`
}

/** A map keeps the order of insertion: the first key is the longest silent. */
function putLast<Value>(map: Map<string, Value>, key: string, value: Value, limit: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= limit) return
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}

/**
 * The sequence is a hash of the payload. Two messages of one device for the same ms differ in it, and the same message
 * that comes twice does not, even to a projector that has forgotten the first.
 */
export function toPoint(row: LogRow, placed: PlacedDevice, observations: readonly Observation[]): MeasuredPoint | null {
  let point: MeasuredPoint | null = null
  for (const observation of observations) {
    const values = measuredIn(observation)
    if (values === null) continue
    if (point !== null) {
      point.values = { ...point.values, ...values }
      continue
    }
    point = {
      homeId: row.homeId,
      deviceId: placed.deviceId,
      deviceKind: placed.kind,
      // The fold's clock never goes back within a home: what has no time of its own was measured when it came.
      atMs: Math.round(observation.at === observation.receivedAt ? row.receivedAt : observation.at),
      sequence: contentHash(row.payload, 0) % SEQUENCES,
      values,
    }
  }
  return point
}

function measuredIn(observation: Observation): Partial<Record<MeasurementField, number>> | null {
  switch (observation.kind) {
    case 'measurement':
      return observation.values
    case 'bed':
      return { bedOccupied: observation.state === 'occupied' ? 1 : 0 }
    case 'battery':
      return observation.percent === null ? null : { batteryPercent: observation.percent }
    case 'sos':
    case 'smoke':
    case 'gas':
    case 'co':
    case 'leak':
    case 'fall':
    case 'door':
    case 'tamper':
    case 'fault':
    case 'device':
    case 'motion':
      return null
  }
}
