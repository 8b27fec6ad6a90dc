import { mkdirSync } from 'node:fs'
import { machineClock } from './clock.ts'
import type { Config } from './config.ts'
import { type Keys, needsKeysMade, readKeys } from './keys.ts'
import type { Lifecycle } from './lifecycle.ts'
import { createMetrics, type MetricsPage } from './metrics.ts'
import type { ChangeFeed, Clock, Log } from './ports.ts'
import { followChanges } from './store/postgres/changes.ts'
import { startEmbedded } from './store/postgres/embedded.ts'
import { migrate } from './store/postgres/migrate.ts'
import { type Database, openPool } from './store/postgres/pool.ts'
import type { QueueAddress } from './store/queue/bullmq-hints.ts'
import { type HintBus, openHints } from './store/queue/hints.ts'
import { createSealing, type Sealing } from './store/sealing.ts'
import { startGoesOn } from './watchdog.ts'

/**
 * Connections of one process; who finds none waits. A process that is frozen keeps those it has, so the server must have
 * room for the full pools of all: eleven processes of docker-compose.yml, with their queues, stay under 200. One that is alone
 * had 24: where much was due at once, a dozen were opened for it, and the presses beside waited up to 0.3 s for their processors.
 */
const POOL_SIZE = { alone: 12, amongOthers: 8 }

/** What every role stands on: the database, the keys, hints, changes, clock, log and metrics. */
export type Foundation = {
  config: Config
  log: Log
  clock: Clock
  metrics: MetricsPage
  /** Where the system of record is, the embedded one included; carries its password. */
  databaseUrl: string
  /** The database's folder is ours, and every role runs here: whatever an earlier process had in hand, it has no longer. */
  hasNoOther: boolean
  pool: Database
  /** A pool of a role's own, closed with everything else: for work that must never wait behind other queries. */
  openOwnPool(name: string, max: number, plansOnce?: boolean): Promise<Database>
  sealing: Sealing
  keys: Keys
  hints: HintBus
  changes: ChangeFeed
}

/**
 * Opens it in this order and gives it back in the reverse one: the database is opened first and stopped last.
 * @param alone every role runs in this process, so hints need no queue
 * @param meanwhile called when the embedded database only has to be waited for, or at once where there is none: what takes time
 *   and needs no database is done then
 * @throws when the database cannot be reached, is unsafe, or its folder is in use
 */
export async function openFoundation(
  config: Config,
  parts: { log: Log; lifecycle: Lifecycle; alone: boolean; meanwhile(): void },
): Promise<Foundation> {
  const { log, lifecycle, alone, meanwhile } = parts
  if (needsDataFolder(config)) mkdirSync(config.dataFolder, { recursive: true })
  if (config.databaseUrl !== null) meanwhile()
  const goesOn = startGoesOn({ notifySocket: config.notifySocket, log })
  const url = config.databaseUrl ?? (await openEmbedded(config, { log, lifecycle, meanwhile, goesOn }))
  await migrate(url, goesOn)
  const pool = await openPool(url, { max: alone ? POOL_SIZE.alone : POOL_SIZE.amongOthers, name: 'platform', log })
  lifecycle.onEnd('database connections', () => pool.end())
  const keys = readKeys(config)
  const hints = await openHints(queueAddress(config, url, alone), log)
  lifecycle.onEnd('hints', () => hints.close())
  const changes = await followChanges(pool, url, log)
  lifecycle.onEnd('changes', () => changes.close())
  return {
    config,
    log,
    clock: machineClock,
    metrics: createMetrics(),
    databaseUrl: url,
    hasNoOther: alone && config.databaseUrl === null,
    pool,
    async openOwnPool(name, max, plansOnce = false) {
      const own = await openPool(url, { max, name, plansOnce, log })
      lifecycle.onEnd(`database connections of ${name}`, () => own.end())
      return own
    },
    sealing: createSealing(keys.dataKey),
    keys,
    hints,
    changes,
  }
}

async function openEmbedded(
  { dataFolder }: Config,
  { log, lifecycle, meanwhile, goesOn }: { log: Log; lifecycle: Lifecycle; meanwhile(): void; goesOn(): void },
): Promise<string> {
  const onStarting = (stop: () => Promise<void>, underway: Promise<void>) => {
    lifecycle.onEnd('embedded database', stop)
    void underway.then(meanwhile)
  }
  const database = await startEmbedded(dataFolder, log, onStarting, goesOn)
  return database.url
}

/** Redis where there is one; between processes without it the hints go over the same PostgreSQL. */
function queueAddress(config: Config, databaseUrl: string, alone: boolean): QueueAddress | null {
  if (config.redisUrl) return { kind: 'redis', url: config.redisUrl }
  return alone ? null : { kind: 'postgres', url: databaseUrl }
}

/** A role of a larger installation keeps nothing on its own disk, which may be read-only. */
function needsDataFolder(config: Config): boolean {
  return config.databaseUrl === null || needsKeysMade(config)
}
