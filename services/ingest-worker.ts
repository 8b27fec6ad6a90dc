import { flushCompileCache } from 'node:module'
import { parentPort } from 'node:worker_threads'
import { machineClock } from './clock.ts'
import { readLogHint } from './core/log-hint.ts'
import { APPEND_CONNECTIONS, openIngestRole } from './ingest-role.ts'
import type { IngestNews, IngestOrder, IngestThreadData, PassedOn } from './ingest-thread-messages.ts'
import { readKeys } from './keys.ts'
import { createLog } from './log.ts'
import type { FreshSink, Hints, Metrics } from './ports.ts'
import { followChanges } from './store/postgres/changes.ts'
import { openPool } from './store/postgres/pool.ts'
import { createSealing } from './store/sealing.ts'

/** The MQTT entrance in a thread of its own, with its own connections. Started by ingest-thread.ts. */

/** Logins and wills ask the database; who finds no connection waits. */
const CONNECTIONS = 6

const port = parentPort
if (port === null) throw new Error('this file is a thread of services/main.ts')
const tell = (news: IngestNews, given?: ArrayBuffer[]) => port.postMessage(news, given)

/** Calls of one turn leave together: a commit hints many shards at once. */
function createOutlet(): Hints & Metrics {
  let calls: PassedOn[] = []
  function pass(call: PassedOn): void {
    if (calls.push(call) > 1) return
    queueMicrotask(() => {
      tell({ type: 'passed-on', calls })
      calls = []
    })
  }
  const metric =
    (kind: 'count' | 'gauge' | 'observe') =>
    (name: string, value = 1, labels?: Record<string, string>) =>
      pass({ port: 'metric', kind, name, value, ...(labels ? { labels } : {}) })
  return {
    hint(topic, key) {
      const call: PassedOn = { port: 'hint', topic, key }
      // An alarm waits for nothing else of its turn.
      if (topic === 'log' && readLogHint(key).homeId !== null) tell({ type: 'passed-on', calls: [call] })
      else pass(call)
    },
    count: metric('count'),
    gauge: metric('gauge'),
    observe: metric('observe'),
  }
}

const FRESH: FreshSink = {
  expect: (homeIds) => tell({ type: 'alarms-coming', homeIds }),
  // The database has its copy: these are given away.
  offer: (batch) =>
    tell(
      { type: 'fresh', batch },
      batch.columns.map(({ buffer }) => buffer),
    ),
  lost: () => tell({ type: 'fresh', batch: null }),
}

async function open({ config, databaseUrl, pretty, handsOver }: IngestThreadData): Promise<() => Promise<void>> {
  const log = createLog({ level: config.logLevel, pretty })
  const pool = await openPool(databaseUrl, { max: CONNECTIONS, name: 'ingest', log })
  const appendPool = await openPool(databaseUrl, { max: APPEND_CONNECTIONS, name: 'ingest-append', log })
  const changes = await followChanges(pool, databaseUrl, log)
  const outlet = createOutlet()
  const sealing = createSealing(readKeys(config).dataKey)
  const outside = { changes, hints: outlet, metrics: outlet, clock: machineClock, log, fresh: handsOver ? FRESH : null }
  const ingest = await openIngestRole({ config, pool, appendPool, sealing, ...outside })
  tell({ type: 'ready', url: ingest.url })
  return async () => {
    await ingest.close()
    await changes.close()
    await Promise.all([pool.end(), appendPool.end()])
    log.flush()
    tell({ type: 'closed' })
  }
}

let close: (() => Promise<void>) | null = null

async function follow(order: IngestOrder): Promise<void> {
  if (order.type === 'close') return close?.()
  try {
    close = await open(order.data)
    // As in main.ts: each thread keeps what it has compiled itself.
    flushCompileCache()
  } catch (error) {
    const { code, port: taken } = error as { code?: string; port?: number }
    const message = error instanceof Error ? error.message : String(error)
    tell({ type: 'failed', message, ...(code ? { code } : {}), ...(taken ? { port: taken } : {}) })
  }
}

port.on('message', follow)
