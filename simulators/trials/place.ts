import type { PlatformUnderTrial, RunningPlatform } from './platform-process.ts'
import { freePort } from './platform-process.ts'

export type RoleProcess = RunningPlatform & { http: string; mqttPort: number }

/**
 * Leaves the place with its community and a running database, and no platform: roles in processes of their own can
 * stand on it. The embedded database outlives a killed platform, so that is how the platform goes.
 */
export async function prepareForRoles(place: PlatformUnderTrial): Promise<void> {
  const platform = await place.start()
  await platform.kill()
}

/** Starts some roles in one process, on the place's database, with operator's routes and entrance on ports of its own. */
export async function startRoles(
  place: PlatformUnderTrial,
  roles: string[],
  settings: Record<string, string> = {},
): Promise<RoleProcess> {
  const http = Number(settings.HTTP_PORT) || (roles.includes('api') ? place.ports.http : await freePort())
  const mqttPort = await freePort()
  const platform = await place.start(roles, {
    DATABASE_URL: place.databaseUrl(),
    HTTP_PORT: String(http),
    MQTT_PORT: String(mqttPort),
    PUBLIC_URL: `http://127.0.0.1:${place.ports.http}`,
    ...settings,
  })
  return Object.assign(platform, { http: `http://127.0.0.1:${http}`, mqttPort })
}
