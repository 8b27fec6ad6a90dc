import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Demo, type DemoHome, type DeviceAccount, mqttAddress, parseDemo } from './demo-file.ts'
import { connectRaw, RawPublisherError } from './raw-publisher.ts'

const CACHE_NAME = 'town-accounts.json'
const MAX_TOWN_HOMES = 20_000
/** Requests on the way at once: the platform whose homes these are has other things to do. */
const PARALLEL_HOMES = 8
/** The cache is written after this many new homes, so that a run that was stopped has not made them for nothing. */
const SAVE_EVERY_HOMES = 100
/** The demo's own. */
const DEFAULT_CELL = 'cell-east'
const REQUEST_WITHIN_MS = 30_000
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

type Api = (path: string, body: object) => Promise<Record<string, unknown>>

/** Signs in as the administrator of `demo.json`; the session is a cookie. */
async function signIn(demo: Demo): Promise<Api> {
  const admin = demo.users.find((user) => user.role === 'admin')
  if (!admin) throw new TownAccountsError('demo.json has no admin; say --accounts FILE')
  let cookie = ''
  const post: Api = async (path, body) => {
    const response = await fetch(`${demo.http}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-anlin-csrf': '1', ...(cookie ? { cookie } : {}) },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_WITHIN_MS),
    })
    const text = await response.text()
    if (!response.ok) throw new TownAccountsError(`POST /api/v1${path}: ${response.status} ${text.slice(0, 300)}`)
    cookie ||= response.headers
      .getSetCookie()
      .map((one) => one.split(';', 1)[0])
      .join('; ')
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
  }
  await post('/session', { login: admin.login, password: admin.password })
  return post
}

async function makeHome(api: Api, id: string, gridCellId: string): Promise<DemoHome> {
  const home = await api('/homes', { id, label: id, gridCellId })
  const homeId = typeof home.id === 'string' ? home.id : id
  const devices: DeviceAccount[] = []
  for (const device of TOWN_DEVICES) {
    const { username, password } = await api(`/homes/${homeId}/devices`, device)
    if (typeof username !== 'string' || typeof password !== 'string') {
      throw new TownAccountsError(`POST /api/v1/homes/${homeId}/devices answered no username and password`)
    }
    devices.push({ ...device, username, password })
  }
  return { id: homeId, devices }
}
