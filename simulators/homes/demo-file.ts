import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Where a platform keeps `demo.json`: its data folder in the checkout, or as root a folder the database user can reach. */
const CHECKOUT_DEMO = join(import.meta.dirname, '..', '..', '.data', 'demo.json')
const SYSTEM_FOLDER = '/var/lib/anlin'

export type DeviceAccount = {
  id: string
  kind: string
  username: string
  password: string
  /** In an accounts file of the town: the gateway whose account speaks for this device. */
  gatewayId?: string
}
export type DemoHome = { id: string; gridCell?: string; devices: DeviceAccount[] }
type DemoUser = { role: string; login: string; password: string }
/** The part of `demo.json` that homes need. An accounts file is the same without users. */
export type Demo = { http: string; mqtt: string; users: DemoUser[]; homes: DemoHome[] }

class DemoFileError extends Error {
  readonly code = 'demo-file'
}

function newestSystemDemo(): string | null {
  let folders: string[]
  try {
    folders = readdirSync(SYSTEM_FOLDER)
  } catch {
    return null
  }
  const found = folders.flatMap((folder) => {
    const path = join(SYSTEM_FOLDER, folder, 'demo.json')
    const stat = statSync(path, { throwIfNoEntry: false })
    return stat ? [{ path, writtenAt: stat.mtimeMs }] : []
  })
  return found.sort((a, b) => b.writtenAt - a.writtenAt)[0]?.path ?? null
}

export function findDemoFile(given: string | undefined): string {
  if (given !== undefined) return given
  if (statSync(CHECKOUT_DEMO, { throwIfNoEntry: false })) return CHECKOUT_DEMO
  const found = newestSystemDemo()
  if (found === null) {
    throw new DemoFileError('no demo.json found: start the platform first (npm start), or say --demo PATH')
  }
  return found
}

export function readDemoFile(path: string): Demo {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new DemoFileError(`read ${path}`, { cause: error })
  }
  return parseDemo(value, path)
}

export function parseDemo(value: unknown, path: string): Demo {
  const demo = value as Partial<Demo> | null
  if (typeof demo?.mqtt !== 'string' || !Array.isArray(demo.homes)) {
    throw new DemoFileError(`${path} is no demo.json: "mqtt" and "homes" are expected`)
  }
  for (const home of demo.homes) {
    const complete = home.devices?.every((device) => device.id && device.kind && device.username && device.password)
    if (!home.id || !complete) {
      throw new DemoFileError(`${path}: home ${home.id ?? '?'} has a device without id, kind, username or password`)
    }
  }
  return { http: demo.http ?? '', mqtt: demo.mqtt, users: demo.users ?? [], homes: demo.homes }
}

export function mqttAddress(demo: Demo): { host: string; port: number } {
  const url = new URL(demo.mqtt)
  return { host: url.hostname, port: Number(url.port || 1883) }
}
