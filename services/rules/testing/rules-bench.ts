import { Hush } from '../../core/hush.ts'
import { SHARDS, shardOf } from '../../core/shard.ts'
import type { DecodedSink, FoldStore, LogMessage, Metrics, SignalTaker, StoredFacts } from '../../ports.ts'
import { createFoldStore } from '../../store/postgres/fold-store.ts'
import type { Database, Queryable } from '../../store/postgres/pool.ts'
import type { HomeFold } from '../home-fold.ts'
import { type RulesWorker, startRules } from '../rules.ts'
import { countingFold, type Tally } from './counting-fold.ts'

export type TestRow = { homeId: string; payload: string; urgent?: boolean; rejected?: string }

/** Writes rows as ingest does: one statement, one transaction of its own unless `db` is inside one. */
export async function append(db: Queryable, rows: TestRow[]): Promise<void> {
  await db.query(
    `insert into observation_log (shard, lane, home_id, account, flags, packet_id, topic, payload, rejected)
     select shard, lane, home_id, home_id || '/device', 1, 1, 'care/v1/' || home_id || '/device/event',
            convert_to(payload, 'UTF8'), rejected
     from unnest($1::smallint[], $2::smallint[], $3::text[], $4::text[], $5::text[]) with ordinality
       v(shard, lane, home_id, payload, rejected, nth) order by nth`,
    [
      rows.map((row) => shardOf(row.homeId)),
      rows.map((row) => (row.urgent ? 0 : 1)),
      rows.map((row) => row.homeId),
      rows.map((row) => row.payload),
      rows.map((row) => row.rejected ?? null),
    ],
  )
}

/** The same as ingest takes it: a message on its way to the log. */
export function messageOf({ homeId, payload, urgent = false, rejected }: TestRow): LogMessage {
  return {
    shard: shardOf(homeId),
    lane: urgent ? 0 : 1,
    homeId,
    account: `${homeId}/device`,
    flags: 1,
    packetId: 1,
    topic: `care/v1/${homeId}/device/event`,
    payload: Buffer.from(payload),
    rejected: rejected ?? null,
  }
}

export type Bench = {
  worker: RulesWorker
  hinted: string[]
  logged: string[]
  metrics: Record<string, number>
}

/** A store whose reads of the home's shard begin and then stand still until `goOn`: a pass that is in hand. */
export function holdPassOver(homeId: string): {
  store: (inner: FoldStore) => FoldStore
  begun: Promise<void>
  goOn(): void
} {
  const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  return {
    store: (inner) => ({
      ...inner,
      async readUnread(asked) {
        if (!asked.shards.includes(shardOf(homeId))) return inner.readUnread(asked)
        begun.resolve()
        await goOn.promise
        return inner.readUnread(asked)
      },
    }),
    begun: begun.promise,
    goOn: goOn.resolve,
  }
}

/** A rules worker over a real database, with everything else it is given written down. */
export async function startBench(
  pool: Database,
  changed: {
    store?: (store: FoldStore) => FoldStore
    onFacts?: (facts: StoredFacts) => void
    monotonicMs?: () => number
    decoded?: DecodedSink
    escalation?: SignalTaker
  } = {},
): Promise<Bench> {
  const hinted: string[] = []
  const logged: string[] = []
  const figures: Record<string, number> = {}
  const metrics: Metrics = {
    count(name, by = 1) {
      figures[name] = (figures[name] ?? 0) + by
    },
    gauge(name, value) {
      figures[name] = value
    },
    observe() {},
  }
  const say = (_fields: Record<string, unknown>, message: string) => void logged.push(message)
  const store = createFoldStore(pool)
  const worker = await startRules({
    store: changed.store?.(store) ?? store,
    fold: changed.onFacts ? watching(changed.onFacts) : countingFold,
    hints: { hint: (topic, key) => void hinted.push(`${topic} ${key}`) },
    clock: { now: Date.now, monotonicMs: changed.monotonicMs ?? (() => performance.now()) },
    log: { info: say, warn: say, error: say, debug: say },
    metrics,
    decoded: changed.decoded ?? null,
    escalation: changed.escalation ?? null,
    hush: new Hush(),
    shards: SHARDS,
  })
  return { worker, hinted, logged, metrics: figures }
}

export async function tallyOf(pool: Database, homeId: string): Promise<Tally & { version: number }> {
  const { rows } = await pool.query<{ state: Tally; version: number }>(
    'select state, version from home_state where home_id = $1',
    [homeId],
  )
  const row = rows[0]
  if (!row) throw new Error(`home ${homeId} has no state`)
  return { ...row.state, version: row.version }
}

export async function signalCount(pool: Database, homeId: string): Promise<number> {
  const { rows } = await pool.query<{ n: number }>('select count(*)::int as n from incident_input where home_id = $1', [
    homeId,
  ])
  return rows[0]?.n ?? 0
}

/** A home with one SOS button in it. */
export async function placeHome(pool: Database, homeId: string): Promise<void> {
  await pool.query("insert into grid_cell values ('cell-1', 'Anlin', 'Cell 1') on conflict do nothing")
  await pool.query("insert into home (home_id, grid_cell_id, label) values ($1, 'cell-1', '3-2-502')", [homeId])
  await pool.query("insert into device (home_id, device_id, kind) values ($1, 'sos-bath', 'sos-button')", [homeId])
}

function watching(onFacts: (facts: StoredFacts) => void): HomeFold<Tally> {
  return {
    ...countingFold,
    foldMessage(state, message, facts) {
      onFacts(facts)
      return countingFold.foldMessage(state, message, facts)
    },
  }
}
