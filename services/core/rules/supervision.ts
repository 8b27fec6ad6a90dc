import type { PlacedDevice } from '../../../devices/observation.ts'
import { findCondition, raise, settle } from './conditions.ts'
import type { DeviceMemory, Situation } from './home-state.ts'
import type { HomeSettings } from './settings.ts'

/**
 * Silence, judged by our own clock alone. Every message of a device ends it, and every message from behind a gateway
 * proves the gateway. A silent gateway is one incident: those behind it are not judged until it is back.
 */

/** After a last will: reconnects are common and quick, and this is still sooner than the strictest silence (20 s). */
export const OFFLINE_GRACE_MS = 15_000

function silenceLimitMs(placed: PlacedDevice, settings: HomeSettings): number {
  if (placed.kind === 'gateway') return settings.gatewayLostSeconds * 1000
  return (placed.kind === 'sos-button' ? settings.sosButtonLostMinutes : settings.deviceLostMinutes) * 60_000
}

/** When it counts as lost unless it is heard; null while it is lost already, or while its gateway is the one in doubt. */
export function supervisionDueAt(
  memory: DeviceMemory,
  placed: PlacedDevice,
  settings: HomeSettings,
  gateway: DeviceMemory | undefined,
): number | null {
  if (isLost(memory) || (gateway !== undefined && isInDoubt(gateway, memory))) return null
  const silentAt = memory.heardAt + silenceLimitMs(placed, settings)
  return memory.offlineAt === undefined ? silentAt : Math.min(silentAt, memory.offlineAt + OFFLINE_GRACE_MS)
}

function isInDoubt(gateway: DeviceMemory, behind: DeviceMemory): boolean {
  return gateway.heardAt <= behind.heardAt || isAway(gateway)
}

function isAway(memory: DeviceMemory): boolean {
  return memory.offlineAt !== undefined || isLost(memory)
}

function isLost(memory: DeviceMemory): boolean {
  return findCondition(memory, 'lost') !== undefined
}

export function fireSupervision(memory: DeviceMemory, situation: Situation): DeviceMemory {
  const minutes = Math.max(0, Math.round((situation.now - memory.heardAt) / 60_000))
  const { placed, home } = situation
  const behind = home.devices.filter((device) => device.gatewayId === placed.deviceId && !device.retired).length
  return raise(memory, situation, {
    key: 'lost',
    severity: 'technical',
    why:
      placed.kind === 'gateway'
        ? { code: 'gateway-lost', values: { minutes, devices: behind } }
        : { code: 'device-lost', values: { minutes } },
    at: situation.now,
  })
}

export function hear(memory: DeviceMemory, situation: Situation): DeviceMemory {
  const heard = { ...memory, heardAt: situation.now, unheard: undefined, offlineAt: undefined }
  return settle(heard, situation, 'lost', situation.now)
}

/** A last will, or a device that says goodbye. */
export function hearOffline(memory: DeviceMemory, now: number): DeviceMemory {
  return isAway(memory) ? memory : { ...memory, unheard: undefined, offlineAt: now }
}

/** The gateway is back: those behind it, about whom nobody could know anything, are given their whole time anew. */
export function restartBehind(
  memory: DeviceMemory,
  placed: PlacedDevice,
  gatewayBefore: DeviceMemory,
  situation: Situation,
): DeviceMemory {
  const overdue = memory.heardAt + silenceLimitMs(placed, situation.home.settings) <= situation.now
  const unjudged = isAway(gatewayBefore) || overdue
  return unjudged && !isLost(memory) ? { ...memory, heardAt: situation.now, offlineAt: undefined } : memory
}
