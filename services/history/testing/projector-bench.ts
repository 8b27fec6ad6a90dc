import { decoder } from '../../../devices/index.ts'
import type { MeasurementField } from '../../../devices/observation.ts'
import { Hush } from '../../core/hush.ts'
import { SHARDS, shardOf } from '../../core/shard.ts'
import type { HistoryStore } from '../../ports.ts'
import { createHistoryProgress } from '../../store/postgres/history-progress.ts'
import { createDevice, createGridCell, createHome } from '../../store/postgres/homes.ts'
import { type Database, inTransaction } from '../../store/postgres/pool.ts'
import { createSealing } from '../../store/sealing.ts'
import { type Projector, type ProjectorParts, startProjector } from '../projector.ts'

export type Message = { homeId: string; deviceId?: string; leaf?: 'telemetry' | 'event'; body: Record<string, unknown> }

const sealing = createSealing('k'.repeat(32))

/** Homes with a sleep monitor `bed` and a gas detector `gas`. */
export async function placeHomes(pool: Database, homeIds: readonly string[]): Promise<void> {
  const home = { gridCellId: 'cell-1', label: '1-1', language: 'zh', timeZone: 'Asia/Shanghai' } as const
  await inTransaction(pool, async (tx) => {
    await createGridCell(tx, { gridCellId: 'cell-1', community: 'c', name: 'n', timeZone: 'Asia/Shanghai' })
    for (const homeId of homeIds) {
      await createHome(tx, sealing, { ...home, homeId })
      await createDevice(tx, sealing, { homeId, deviceId: 'bed', kind: 'sleep-monitor', room: null, gatewayId: null })
      await createDevice(tx, sealing, { homeId, deviceId: 'gas', kind: 'gas-detector', room: null, gatewayId: null })
    }
  })
}

/** Writes to the log as ingest does, in one statement. */
export async function publish(pool: Database, messages: readonly Message[]): Promise<void> {
  await pool.query(
    `insert into observation_log (shard, lane, home_id, account, flags, packet_id, topic, payload)
     select shard, 1, home_id, home_id || '.gw', 1, 1, topic, convert_to(body, 'UTF8')
     from unnest($1::smallint[], $2::text[], $3::text[], $4::text[]) with ordinality v(shard, home_id, topic, body, nth)
     order by nth`,
    [
      messages.map(({ homeId }) => shardOf(homeId)),
      messages.map(({ homeId }) => homeId),
      messages.map(({ homeId, deviceId = 'bed', leaf = 'telemetry' }) => `care/v1/${homeId}/${deviceId}/${leaf}`),
      messages.map(({ body }) => JSON.stringify(body)),
    ],
  )
}

/** Telemetry of `bed`, 100 ms apart, that says its number from `from` up to `to`. */
export const beats = (homeId: string, from: number, to: number, startMs = Date.now() - 3_600_000): Message[] =>
  numbers(from, to).map((movement) => ({ homeId, body: { at: startMs + movement * 100, movement } }))
export const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

/** Oftener than the platform's second, so that the stories are short. */
const SWEEP_MS = 50

export type Bench = {
  projector: Projector
  logged: string[]
  gauges: Record<string, number>
  close(): Promise<void>
}

export async function startBench(
  pool: Database,
  store: HistoryStore,
  changed: Partial<Pick<ProjectorParts, 'appendAndFinish' | 'handover' | 'progress' | 'hush'>> = {},
): Promise<Bench> {
  const logged: string[] = []
  const gauges: Record<string, number> = {}
  const say = (_fields: Record<string, unknown>, message: string) => void logged.push(message)
  const projector = await startProjector({
    hush: new Hush(),
    progress: createHistoryProgress(pool),
    store,
    appendAndFinish: null,
    handover: null,
    ...changed,
    decoder,
    clock: { now: Date.now, monotonicMs: () => performance.now() },
    log: { info: say, warn: say, error: say, debug: say },
    metrics: {
      count() {},
      gauge(name, value, labels = {}) {
        gauges[[name, ...Object.values(labels)].join(' ')] = value
      },
      observe() {},
    },
    shards: SHARDS,
  })
  const sweeps = setInterval(() => void projector.sweep(), SWEEP_MS)
  return {
    projector,
    logged,
    gauges,
    async close() {
      clearInterval(sweeps)
      await projector.close()
    },
  }
}

/** Every value a home's device has of a field, oldest first. */
export async function valuesOf(
  store: HistoryStore,
  homeId: string,
  field: MeasurementField = 'heartRatePerMin',
  deviceId = 'bed',
): Promise<number[]> {
  const range = { fromMs: 0, toMs: Date.now() + 86_400_000, windowMs: null, aggregate: 'mean' } as const
  const points = await store.read({ homeId, deviceId, field, ...range, timeZone: 'Asia/Shanghai', limit: 100_000 })
  return points.map(({ value }) => value)
}

/** Where the projector's cursors stand, as text that changes with any of them. */
export async function cursorsOf(pool: Database): Promise<string> {
  const { rows } = await pool.query(
    "select string_agg(shard || ':' || xid || ',' || id, ' ' order by shard) as at from log_cursor where reader = 'history' and id > 0",
  )
  return String(rows[0]?.at ?? '')
}
