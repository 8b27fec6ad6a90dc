import type { PlacedDevice } from '../../../devices/observation.ts'
import { type DeviceMemory, type DeviceOverview, type HomeState, overviewOf } from './home-state.ts'

/** How a home stands, in a screen's words. Times are epoch ms. */
export type HomeGlance = {
  /** When any of its devices was last heard, by our clock. */
  lastWordAt: number | null
  lastSignOfLifeAt: number | null
  lastSignOfLifeRoom: string | null
  /** The sign is of somebody who lies in bed, not of somebody up and about. */
  lastSignOfLifeInBed: boolean
  gatewayLost: boolean
  devicesTotal: number
  devicesLost: number
}
export type DeviceGlance = {
  deviceId: string
  state: 'online' | 'lost' | 'unknown'
  lastSeenAt: number | null
  batteryPercent: number | null
}

/**
 * Devices placed since the last fold have no memory yet and count as never heard; the memory of a device that hangs
 * there no more says nothing.
 * @param stored the fold's state as it is stored; null before the first
 */
export function glanceAtHome(stored: unknown, devices: readonly PlacedDevice[]): HomeGlance {
  const state = stored as HomeState | null
  const memories = new Map(state?.devices.map((memory) => [memory.id, memory]))
  const glances = glanceAtDevices(stored, devices)
  const lost = glances.filter((device) => device.state === 'lost')
  const gateways = new Set(devices.filter(({ kind }) => kind === 'gateway').map(({ deviceId }) => deviceId))
  const life = lastSignOfLife(devices, memories)
  return {
    lastWordAt: latest(glances.map((device) => device.lastSeenAt)),
    lastSignOfLifeAt: life?.at ?? null,
    lastSignOfLifeRoom: life?.room ?? null,
    lastSignOfLifeInBed: life?.inBed ?? false,
    gatewayLost: lost.some(({ deviceId }) => gateways.has(deviceId)),
    devicesTotal: devices.length,
    devicesLost: lost.length,
  }
}

export function glanceAtDevices(stored: unknown, devices: readonly PlacedDevice[]): DeviceGlance[] {
  const state = stored as HomeState | null
  return devices.map(({ deviceId }) => {
    const memory = state?.devices.find(({ id }) => id === deviceId)
    if (!memory) return { deviceId, state: 'unknown', lastSeenAt: null, batteryPercent: null }
    const overview = overviewOf(memory)
    return {
      deviceId,
      state: stateOf(overview),
      lastSeenAt: overview.heardAt,
      batteryPercent: overview.batteryPercent,
    }
  })
}

/** A device whose last will came is away, whether or not its time limit has run out. */
function stateOf({ status }: DeviceOverview): DeviceGlance['state'] {
  switch (status) {
    case 'online':
      return 'online'
    case 'offline':
    case 'lost':
      return 'lost'
    case 'never-heard':
      return 'unknown'
  }
}

type SignOfLife = { at: number; room: string | null; inBed: boolean }

/** What only a living person does: lies down, has a pulse, gets up, presses a button, moves about. Weight alone does not. */
function lastSignOfLife(
  devices: readonly PlacedDevice[],
  memories: ReadonlyMap<string, DeviceMemory>,
): SignOfLife | null {
  const signs: SignOfLife[] = []
  for (const { deviceId, room } of devices) {
    const memory = memories.get(deviceId)
    if (memory?.livedAt !== undefined) signs.push({ at: memory.livedAt, room, inBed: true })
    if (memory?.bed?.left) signs.push({ at: memory.bed.left.at, room, inBed: false })
    if (memory?.movedAt !== undefined) signs.push({ at: memory.movedAt, room, inBed: false })
    const pressed = memory?.conditions.find(({ key, test }) => key === 'sos' && !test)
    if (pressed) signs.push({ at: pressed.at, room, inBed: false })
  }
  return signs.reduce<SignOfLife | null>((last, sign) => (last === null || sign.at > last.at ? sign : last), null)
}

function latest(times: readonly (number | null)[]): number | null {
  return times.reduce<number | null>((last, time) => (time !== null && time > (last ?? 0) ? time : last), null)
}
