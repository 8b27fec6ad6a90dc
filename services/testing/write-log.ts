import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { logHintKey } from '../core/log-hint.ts'
import { shardOf } from '../core/shard.ts'
import { createLog } from '../log.ts'
import type { LogMessage } from '../ports.ts'
import { createLogAppend } from '../store/postgres/log-append.ts'
import { openPool } from '../store/postgres/pool.ts'
import { openHints } from '../store/queue/hints.ts'

/**
 * For the benchmark of the rules alone: sleep monitors' readings straight into the log, as ingest writes and hints them but
 * with no broker before it. Stdin: {"databaseUrl", "homeIds", "rate" (rows a second), "seconds"}; stdout: {"written",
 * "seconds"}. What cannot be written in time is left out.
 */

/** As ingest, which begins a commit at most so often while messages come faster. */
const APPEND_EVERY_MS = 10
const MAX_ROWS_PER_APPEND = 2_000
const QOS_1 = 1
const ORDINARY = 1

type Order = { databaseUrl: string; homeIds: string[]; rate: number; seconds: number }

const { databaseUrl, homeIds, rate, seconds } = JSON.parse(await text(process.stdin)) as Order
const log = createLog({ level: 'error', pretty: false })
const pool = await openPool(databaseUrl, { max: 2, name: 'write-log', log })
const hints = await openHints({ kind: 'postgres', url: databaseUrl }, log)
const { append } = createLogAppend(pool)
const speakers = homeIds.map((homeId) => ({
  homeId,
  shard: shardOf(homeId),
  account: `${homeId}.gateway`,
  topic: `care/v1/${homeId}/sleep-bed/telemetry`,
}))

let written = 0
let planned = 0
const run = process.pid.toString(36)
const beganAt = performance.now()
const elapsedMs = () => performance.now() - beganAt
while (elapsedMs() < seconds * 1000) {
  const due = Math.floor((elapsedMs() / 1000) * rate) - planned
  const batch = Array.from({ length: Math.min(due, MAX_ROWS_PER_APPEND) }, (_, nth) => reading(planned + nth))
  planned += due
  if (batch.length > 0) {
    await append(batch)
    written += batch.length
    for (const shard of new Set(batch.map((row) => row.shard))) hints.hint('log', logHintKey({ shard, homeId: null }))
  }
  await wait(Math.max(1, APPEND_EVERY_MS - (elapsedMs() % APPEND_EVERY_MS)))
}
process.stdout.write(JSON.stringify({ written, seconds: elapsedMs() / 1000 }))
await hints.close()
await pool.end()

/** The homes speak in turn. */
function reading(number: number): LogMessage {
  const speaker = speakers[number % speakers.length]
  if (!speaker) throw new Error('homes are expected')
  const heartRatePerMin = 58 + (number % 9)
  const said = { id: `${run}-${number}`, at: Date.now(), bedOccupied: true, heartRatePerMin, respirationPerMin: 14 }
  const payload = Buffer.from(JSON.stringify({ ...said, movement: number % 4, signalQuality: 0.9 }))
  return { ...speaker, lane: ORDINARY, flags: QOS_1, packetId: (number % 65_535) + 1, payload, rejected: null }
}
