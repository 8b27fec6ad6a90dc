import { randomBytes } from 'node:crypto'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import type { Change, DeviceNotice, LogAppend } from '../../ports.ts'
import { createDeviceAccounts } from '../../store/postgres/device-accounts.ts'
import { createLogAppend } from '../../store/postgres/log-append.ts'
import type { Database } from '../../store/postgres/pool.ts'
import { createSealing } from '../../store/sealing.ts'
import { type Ingest, type IngestOptions, startIngest } from '../ingest.ts'

const silent = { info() {}, warn() {}, error() {}, debug() {} }
export const testSealing = createSealing('a key that is only ever used in tests of ours')

export type Account = { homeId: string; deviceId: string; username: string; password: string }
export type Harness = {
  ingest: Ingest
  counts: Map<string, number>
  hints: string[]
  /** What `presentFor` answers, by home. */
  notices: Map<string, DeviceNotice[]>
  announce(change: Pick<Change, 'kind' | 'homeId' | 'ref'>): void
  close(): Promise<void>
}

export async function startHarness(
  pool: Database,
  more: Partial<IngestOptions> & { wrapLog?: (log: LogAppend) => LogAppend } = {},
): Promise<Harness> {
  const { wrapLog = (log: LogAppend) => log, ...options } = more
  const counts = new Map<string, number>()
  const hints: string[] = []
  const notices = new Map<string, DeviceNotice[]>()
  const listeners = new Set<(changes: Change[]) => void>()
  const ingest = await startIngest({
    port: 0,
    host: '127.0.0.1',
    accounts: createDeviceAccounts(pool, testSealing),
    logAppend: wrapLog(createLogAppend(pool)),
    homeIncidents: { presentFor: async (homeId) => notices.get(homeId) ?? [] },
    changes: {
      subscribe(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    },
    hints: { hint: (topic, key) => hints.push(`${topic}:${key}`) },
    clock: { now: () => Date.now(), monotonicMs: () => performance.now() },
    log: silent,
    metrics: {
      count(name, by = 1, labels = {}) {
        const key = [name, ...Object.values(labels)].join(' ')
        counts.set(key, (counts.get(key) ?? 0) + by)
      },
      gauge() {},
      observe() {},
    },
    ...options,
  })
  return {
    ingest,
    counts,
    hints,
    notices,
    announce(change) {
      for (const listener of listeners) listener([{ xid: 0n, id: 0, at: Date.now(), ...change }])
    },
    close: () => ingest.close(),
  }
}

/** Places a device, in a home of its own unless one is named, and makes its account. */
export async function placeDevice(
  pool: Database,
  device: { homeId?: string; deviceId?: string; kind?: string; gatewayId?: string } = {},
): Promise<Account> {
  const { homeId = `home-${randomBytes(4).toString('hex')}`, deviceId = 'sos-bath', kind = 'sos-button' } = device
  const username = `${homeId}.${deviceId}`
  const password = randomBytes(16).toString('base64url')
  await pool.query("insert into grid_cell values ('cell', 'community', 'cell') on conflict do nothing")
  await pool.query(
    "insert into home (home_id, grid_cell_id, label) values ($1, 'cell', '1-1') on conflict do nothing",
    [homeId],
  )
  await pool.query('insert into device (home_id, device_id, kind, gateway_id) values ($1, $2, $3, $4)', [
    homeId,
    deviceId,
    kind,
    device.gatewayId ?? null,
  ])
  await pool.query('insert into device_account (account, home_id, device_id, secret_hash) values ($1, $2, $3, $4)', [
    username,
    homeId,
    deviceId,
    testSealing.secretHash(password),
  ])
  return { homeId, deviceId, username, password }
}

/** A real client, connected; it does not come back by itself unless asked to. */
export function connect(ingest: Ingest, account: Account, options: IClientOptions = {}): Promise<MqttClient> {
  const { username, password } = account
  return mqtt.connectAsync(ingest.url, { username, password, reconnectPeriod: 0, ...options })
}

export type StoredRow = {
  home_id: string
  account: string
  topic: string
  payload: Buffer
  lane: number
  shard: number
  flags: number
  packet_id: number | null
  rejected: string | null
}

export async function storedRows(pool: Database, homeId: string): Promise<StoredRow[]> {
  const { rows } = await pool.query<StoredRow>(
    'select home_id, account, topic, payload, lane, shard, flags, packet_id, rejected from observation_log where home_id = $1 order by xid, id',
    [homeId],
  )
  return rows
}
