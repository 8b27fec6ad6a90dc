import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type DemoHome, type DeviceAccount, parseDemo } from '../homes/demo-file.ts'
import { signIn } from '../trials/operator.ts'
import { type PlatformUnderTrial, preparePlatform, type RunningPlatform } from '../trials/platform-process.ts'
import type { Address, Speaker } from './load-orders.ts'
import { type ProviderStub, startProviderStub } from './provider-stub.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const DEMO_WITHIN_MS = 60_000
const SEED_WITHIN_MS = 180_000
/** Messages that wait go out within the next sweep, half a second. */
const QUIET_MS = 700
const QUIET_WITHIN_MS = 60_000
/** The accounts' limit must not be what is measured. */
const RATE_PER_ACCOUNT = '1000'

/** One platform under measurement: its embedded database, its roles as they are asked for, and invented homes. */
export type Ground = {
  address: Address
  /** Connection string of the embedded database. */
  databaseUrl: string
  provider: ProviderStub
  homes: BenchHome[]
  /** The embedded default: everything in one process. */
  startAll(): Promise<RunningPlatform>
  /** Some roles as a process of their own on the same database. */
  startRoles(roles: string[]): Promise<RunningPlatform>
  /** What was pressed is closed, and everybody told so: as people do, and so that it costs the next measurement nothing. */
  closeIncidents(): Promise<void>
  destroy(): Promise<void>
}
export type BenchHome = DemoHome & { phone: string }

/** The longest that a home may have: nobody plays the gateways, and what is lost all at once is a measurement of its own. */
const NEVER_LOST_SECONDS = 3600

type GroundOptions = {
  homes: number
  /** Gateways of these homes count as lost so long after the first start; 20 to 3,600. */
  gatewayLostSeconds?: number
  profileFolder?: string | undefined
}

export async function prepareGround(options: GroundOptions): Promise<Ground> {
  const provider = await startProviderStub()
  const platform = await preparePlatform({
    TWILIO_API_URL: provider.url,
    MQTT_RATE_PER_ACCOUNT: RATE_PER_ACCOUNT,
    LOG_LEVEL: 'error',
  })
  const destroy = async () => {
    await platform.destroy()
    await provider.close()
  }
  try {
    const { databaseUrl, homes } = await makeHomes(
      platform,
      options.homes,
      options.gatewayLostSeconds ?? NEVER_LOST_SECONDS,
    )
    const profile: Record<string, string> = options.profileFolder
      ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${options.profileFolder} --cpu-prof-interval=500` }
      : {}
    return {
      address: { host: '127.0.0.1', port: platform.ports.mqtt },
      databaseUrl,
      provider,
      homes,
      startAll: () => platform.start(['all'], profile),
      startRoles: (roles) => platform.start(roles, { DATABASE_URL: databaseUrl, ...profile }),
      closeIncidents: () => closeIncidents(platform, provider),
      destroy,
    }
  } catch (error) {
    await destroy()
    throw error
  }
}

async function closeIncidents(platform: PlatformUnderTrial, provider: ProviderStub): Promise<void> {
  await (await signIn(platform.demo())).closeOpen()
  const deadline = performance.now() + QUIET_WITHIN_MS
  for (let before = -1; before !== provider.requests() && performance.now() < deadline; await wait(QUIET_MS)) {
    before = provider.requests()
  }
}

/** A first start makes the database; then it is killed and not ended, so that the database lives on without it. */
async function makeHomes(
  platform: PlatformUnderTrial,
  count: number,
  gatewayLostSeconds: number,
): Promise<{ databaseUrl: string; homes: BenchHome[] }> {
  const all = await platform.start(['all'])
  await untilDemo(join(platform.folder, 'demo.json'))
  const databaseUrl = embeddedUrl(platform.folder)
  await all.kill()
  const accounts = join(platform.folder, 'bench-accounts.json')
  const env = { PATH: process.env.PATH, ANLIN_DATA: platform.folder, DATABASE_URL: databaseUrl }
  await promisify(execFile)(
    process.execPath,
    [
      'services/testing/seed-homes.ts',
      ...['--homes', String(count), '--gateway-lost-seconds', String(gatewayLostSeconds), '--to', accounts],
    ],
    { cwd: ROOT, timeout: SEED_WITHIN_MS, env },
  )
  return { databaseUrl, homes: readHomes(accounts) }
}

export async function untilDemo(path: string): Promise<void> {
  for (const deadline = performance.now() + DEMO_WITHIN_MS; !existsSync(path); await wait(25)) {
    if (performance.now() > deadline) throw new Error('the demo did not become ready')
  }
}

/** PostgreSQL's own pid file names the folder of its socket in the fifth line. */
function embeddedUrl(folder: string): string {
  const socketFolder = readFileSync(join(folder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[4] ?? ''
  const password = readFileSync(join(folder, 'postgres.password'), 'utf8').trim()
  return `postgres://anlin:${password}@localhost/anlin?host=${encodeURIComponent(socketFolder)}`
}

function readHomes(path: string): BenchHome[] {
  const value = JSON.parse(readFileSync(path, 'utf8')) as { homes: { contacts: { phone: string }[] }[] }
  const phones = value.homes.map((home) => home.contacts[0]?.phone ?? '')
  return parseDemo(value, path).homes.map((home, index) => ({ ...home, phone: phones[index] ?? '' }))
}

/** The home's gateway, speaking for its sleep monitor. */
export function telemetrySpeaker(home: DemoHome): Speaker {
  const { username, password } = accountOf(home, 'gateway')
  return { username, password, topic: `care/v1/${home.id}/sleep-bed/telemetry` }
}

export function accountOf(home: DemoHome, deviceId: string): DeviceAccount {
  const device = home.devices.find(({ id }) => id === deviceId)
  if (!device) throw new Error(`${home.id} has no ${deviceId}`)
  return device
}
