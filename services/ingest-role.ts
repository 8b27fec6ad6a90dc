import { readFileSync } from 'node:fs'
import type { Config } from './config.ts'
import { type Ingest, startIngest } from './ingest/ingest.ts'
import { startOpenMarks } from './ingest/open-marks.ts'
import type { ChangeFeed, Clock, FreshSink, Hints, Log, Metrics } from './ports.ts'
import { createDeviceAccounts } from './store/postgres/device-accounts.ts'
import { markEntranceOpen } from './store/postgres/entrance-watch.ts'
import { createHomeIncidents } from './store/postgres/home-incidents.ts'
import { createLogAppend } from './store/postgres/log-append.ts'
import type { Database } from './store/postgres/pool.ts'
import type { Sealing } from './store/sealing.ts'

/** The group commit runs one statement at a time; the second connection is there when the first was lost. */
export const APPEND_CONNECTIONS = 2

export type IngestParts = {
  config: Pick<Config, 'mqtt' | 'tls'>
  pool: Database
  /** For the group commit alone, which must never wait behind other queries. */
  appendPool: Database
  sealing: Sealing
  changes: ChangeFeed
  hints: Hints
  clock: Clock
  log: Log
  metrics: Metrics
  /** The rules of this process; null where they run elsewhere. */
  fresh: FreshSink | null
}

/** Hands the MQTT entrance its ports, in whichever thread it runs. */
export async function openIngestRole({
  config,
  pool,
  appendPool,
  sealing,
  fresh,
  ...parts
}: IngestParts): Promise<Ingest> {
  const { mqtt, tls } = config
  // By the way of the messages themselves: who can mark can also store what homes say.
  const { clock, log } = parts
  const marks = await startOpenMarks({ mark: () => markEntranceOpen(appendPool), clock, log })
  const { append } = createLogAppend(appendPool, fresh)
  const ingest = await startIngest({
    host: mqtt.host,
    port: mqtt.port,
    ...(tls && mqtt.tlsPort !== null
      ? { tls: { port: mqtt.tlsPort, cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) } }
      : {}),
    accounts: createDeviceAccounts(pool, sealing),
    logAppend: {
      async append(batch) {
        await marks.freshen()
        return append(batch)
      },
    },
    homeIncidents: createHomeIncidents(pool),
    limits: { ratePerAccount: mqtt.ratePerAccount },
    ...parts,
  }).catch(async (error: unknown) => {
    await marks.close()
    throw error
  })
  return {
    ...ingest,
    async close() {
      await ingest.close()
      await marks.close()
    },
  }
}
