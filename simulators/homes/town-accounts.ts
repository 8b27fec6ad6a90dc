import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Demo, type DemoHome, type DeviceAccount, mqttAddress, parseDemo } from './demo-file.ts'
import { type PlatformApi, placeDevice, signIn } from './platform-api.ts'
import { connectRaw, RawPublisherError } from './raw-publisher.ts'

const CACHE_NAME = 'town-accounts.json'
const MAX_TOWN_HOMES = 20_000
/** Requests on the way at once: the platform whose homes these are has other things to do. */
const PARALLEL_HOMES = 8
/** The cache is written after this many new homes, so that a run that was stopped has not made them for nothing. */
const SAVE_EVERY_HOMES = 100
/** The demo's own. */
const DEFAULT_CELL = 'cell-east'
const TOWN_DEVICES = [
  { id: 'gateway', kind: 'gateway' },
  { id: 'sleep-bed', kind: 'sleep-monitor', gatewayId: 'gateway' },
  { id: 'gas-kitchen', kind: 'gas-detector', gatewayId: 'gateway' },
]

class TownAccountsError extends Error {
  readonly code = 'town-accounts'
}

export type TownAccountsOptions = {
  demo: Demo
  demoPath: string
  count: number
  onProgress?: (made: number, of: number) => void
}

/** Accounts for `count` homes: from the cache beside `demo.json`, and what it lacks made through the platform's API. */
export async function townAccounts(options: TownAccountsOptions): Promise<DemoHome[]> {
  const { demo, demoPath, count, onProgress } = options
  if (count > MAX_TOWN_HOMES) throw new TownAccountsError(`at most ${MAX_TOWN_HOMES} homes, not ${count}`)
  const path = join(dirname(demoPath), CACHE_NAME)
  const homes = await usableCache(path, demo)
  const save = () => writeFileSync(path, JSON.stringify({ http: demo.http, mqtt: demo.mqtt, homes }), { mode: 0o600 })
  if (homes.length < count) {
    const api = await signIn(demo)
    const town = `town-${Math.floor(Date.now() / 1000).toString(36)}`
    const gridCell = demo.homes.find((home) => home.gridCell !== undefined)?.gridCell ?? DEFAULT_CELL
    let next = homes.length
    const make = async () => {
      while (next < count) {
        next += 1
        homes.push(await makeHome(api, `${town}-${String(next).padStart(5, '0')}`, gridCell))
        if (homes.length % SAVE_EVERY_HOMES === 0) save()
        onProgress?.(homes.length, count)
      }
    }
    try {
      await Promise.all(Array.from({ length: PARALLEL_HOMES }, make))
    } finally {
      save()
    }
  }
  return homes.slice(0, count)
}

/** What the cache holds, or nothing where the platform no longer knows its accounts (its database was made anew). */
async function usableCache(path: string, demo: Demo): Promise<DemoHome[]> {
  let homes: DemoHome[]
  try {
    homes = parseDemo(JSON.parse(readFileSync(path, 'utf8')), path).homes
  } catch {
    return []
  }
  const account = homes[0]?.devices[0]
  if (!account) return []
  try {
    const { username, password } = account
    const publisher = await connectRaw({ ...mqttAddress(demo), username, password, clientId: 'town-try' })
    await publisher.end()
    return homes
  } catch (error) {
    if (!(error instanceof RawPublisherError && error.code === 'refused')) throw error
    rmSync(path)
    return []
  }
}

async function makeHome(api: PlatformApi, id: string, gridCellId: string): Promise<DemoHome> {
  const home = await api('/homes', { id, label: id, gridCellId })
  const homeId = typeof home.id === 'string' ? home.id : id
  const devices: DeviceAccount[] = []
  for (const device of TOWN_DEVICES) devices.push(await placeDevice(api, homeId, device))
  return { id: homeId, devices }
}
