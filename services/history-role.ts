import { decoder } from '../devices/index.ts'
import type { Hush } from './core/hush.ts'
import { SHARDS } from './core/shard.ts'
import type { Foundation } from './foundation.ts'
import type { Handover } from './history/handed-over.ts'
import { type ProjectorParts, startProjector } from './history/projector.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { HistoryStore } from './ports.ts'
import { createInfluxHistory } from './store/influx/influx-history.ts'
import { pruneChanges } from './store/postgres/changes.ts'
import { createPostgresHistory } from './store/postgres/history.ts'
import { createHistoryProgress } from './store/postgres/history-progress.ts'
import { createLogUpkeep } from './store/postgres/log-upkeep.ts'
import type { Swept } from './sweep.ts'

const PRUNE_EVERY_MS = 600_000

/** InfluxDB where one is named, else the same PostgreSQL. What InfluxDB holds names homes and devices by keyed hashes. */
export function openHistoryStore(foundation: Foundation): HistoryStore {
  return openStore(foundation).store
}

function openStore({ config, pool, sealing }: Foundation): Pick<ProjectorParts, 'store' | 'appendAndFinish'> {
  if (config.influx) return { store: createInfluxHistory(config.influx, sealing.secretHash), appendAndFinish: null }
  const store = createPostgresHistory(pool)
  return { store, appendAndFinish: store.appendAndFinish }
}

/** The history's projector and the log's upkeep, each at its own pace: they look with each sweep whether it is time. */
export async function openHistory(parts: {
  foundation: Foundation
  lifecycle: Lifecycle
  handover: Handover | null
  hush: Hush
}): Promise<Swept[]> {
  const { foundation, lifecycle, handover, hush } = parts
  const { pool, clock, log, metrics } = foundation
  const projector = await startProjector({
    progress: createHistoryProgress(pool),
    ...openStore(foundation),
    handover,
    hush,
    decoder,
    shards: SHARDS,
    clock,
    log,
    metrics,
  })
  lifecycle.onEnd('history', () => projector.close())
  const upkeep = createLogUpkeep(pool, { clock, log })
  lifecycle.onEnd('log upkeep', () => upkeep.close())
  let prunedAt = clock.monotonicMs()
  return [
    { role: 'history', sweep: projector.sweep },
    { role: 'log upkeep', sweep: upkeep.sweep },
    {
      role: 'changes upkeep',
      async sweep() {
        if (clock.monotonicMs() - prunedAt < PRUNE_EVERY_MS) return
        prunedAt = clock.monotonicMs()
        await pruneChanges(pool)
      },
    },
  ]
}
