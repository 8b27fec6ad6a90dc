import { setTimeout as wait } from 'node:timers/promises'
import { count, type Figure, ms } from './figures.ts'
import { type BenchHome, type Ground, telemetrySpeaker } from './ground.ts'
import type { Load } from './load.ts'
import type { LogReading } from './log-reading.ts'
import type { Plan } from './plan.ts'
import { type Presses, pressInTurn } from './presses.ts'
import { greatestSustained, LAG_LIMIT_S } from './sustained.ts'
import type { Town } from './towns.ts'

/** Presses follow each other at a person's irregular pace, so that no timer's beat is met again and again. */
const IDLE_PAUSE_MS = { least: 50, spread: 60 }
const BACKLOG_PRESSES = 5
const FEW_PRESSES = 100
const FILL_WITHIN_S = 120
const FILL_INFLIGHT = 4
const FILL_BYTES = 200
const LONGEST_TOWN_S = 180
const CONNECT_MS_PER_HOME = 2
const TOWN_SETTLE_MS = 1_000

export type Parts = { ground: Ground; load: Load; log: LogReading; plan: Plan }

/** Everything in one process, nothing going on but the demo's own ten homes. */
export async function measureIdlePresses({ ground, plan }: Parts): Promise<Figure> {
  const homes = ground.homes.slice(0, plan.idlePresses)
  const presses = await pressInTurn(ground, homes, pausePress)
  return pressFigure(
    'press-idle',
    'Press → first provider request, idle',
    presses,
    'all roles in one process, embedded database; the PUBLISH and the request on one monotonic clock',
  )
}

/** Of which maximum the town publishes half: of what ingest took alone, or of what the whole way kept up with. */
export type Half = { of: keyof Town['pressing']; maximum: number }
const HALVES = {
  ingest: { id: 'press-loaded', words: 'maximum load', how: "half of ingest's maximum" },
  way: { id: 'press-sustained', words: 'what is sustained', how: 'half of what was kept up with' },
} as const

export async function measureLoadedPresses(
  { ground, load, log }: Parts,
  { id, homes, words, pressing }: Town,
  { of, maximum }: Half,
): Promise<Figure> {
  const rate = maximum / 2
  const half = HALVES[of]
  const town = load.town({ ...ground.address, homes, rate, seconds: LONGEST_TOWN_S })
  const lagging = log.greatestLag('rules', town)
  await untilConnected(homes)
  const presses = await pressInTurn(ground, pressing[of], pausePress)
  load.stop()
  const published = await town
  const lagSeconds = await lagging
  const how = `all roles in one process; the town asked for ${count(rate)}/s (${half.how}) and got ${count(published.perSecond)}/s acknowledged, the rules at most ${lagSeconds.toFixed(1)} s behind`
  const what = `Press → first provider request, at half of ${half.words} from ${words}`
  const figure = pressFigure(`${half.id}-${id}`, what, presses, how)
  const said = {
    townRate: rate,
    townPerSecond: published.perSecond,
    townSent: published.sent,
    townAcknowledged: published.acknowledged,
    townUnanswered: published.unanswered,
    townCpuShare: published.cpuShare,
    lagSeconds,
  }
  return { ...figure, measured: { ...figure.measured, ...said } }
}

/** Thousands of logins at once are another load than the messages after them. */
function untilConnected(homes: BenchHome[]): Promise<void> {
  return wait(CONNECT_MS_PER_HOME * homes.length + TOWN_SETTLE_MS)
}

/** The greatest rate that the whole way keeps up with, found by halving the interval. */
export async function measureFold(
  { ground, load, log, plan }: Parts,
  { id, homes, words }: Town,
  maximum: number,
): Promise<Figure> {
  const best = await greatestSustained({ maximum, steps: plan.foldSteps }, async (rate) => {
    const town = load.town({ ...ground.address, homes, rate, seconds: plan.foldSeconds })
    await untilConnected(homes)
    const lagSeconds = await log.greatestLag('rules', town)
    const { perSecond } = await town
    const historySeconds = await log.lagSeconds('history')
    await log.untilIdle()
    return { perSecond, lagSeconds, historySeconds }
  })
  return {
    id: `fold-sustained-${id}`,
    what: `Decoding + rules, sustained, from ${words}`,
    measured: { ...best, steps: plan.foldSteps, shareOfIngest: best.perSecond / maximum },
    shown: `${count(best.perSecond)}/s (${(best.perSecond / maximum).toFixed(2)} of ingest alone)`,
    how: `the greatest rate, a connection each, with nothing over ${LAG_LIMIT_S} s behind once all are connected (${plan.foldSteps} halvings, ${plan.foldSeconds} s a try); the history was ${best.historySeconds.toFixed(0)} s behind at the end; all roles, database and load on the same processors`,
  }
}

/** Rows that nobody folds, for the rules stand still. Resolves to how many. */
export async function fillLog({ ground, load, plan }: Parts): Promise<number> {
  const ingest = await ground.startRoles(['ingest'])
  const filled = await load.closedLoop({
    ...ground.address,
    speakers: ground.homes.map(telemetrySpeaker),
    inflight: FILL_INFLIGHT,
    payloadBytes: FILL_BYTES,
    warmUpSeconds: 0,
    seconds: FILL_WITHIN_S,
    most: plan.backlogRows,
  })
  await ingest.end()
  return filled.acknowledged
}

/** Everything has just started on a full log, and the first thing that happens is a press. */
export async function measureBacklog({ ground, log }: Parts, rows: number): Promise<Figure[]> {
  const startedAt = performance.now()
  const caughtUp = log.untilCaughtUp('rules').then(() => (performance.now() - startedAt) / 1000)
  const presses = await pressInTurn(ground, ground.homes.slice(-BACKLOG_PRESSES), () => 0)
  const pressedForSeconds = (performance.now() - startedAt) / 1000
  const seconds = await caughtUp
  return [
    {
      id: 'press-backlog',
      what: `A press while ${count(rows)} telemetry rows wait`,
      measured: { ...presses, rows, pressedForSeconds },
      shown: `first request after ${ms(presses.longestMs)}`,
      how: `the longest of ${presses.pressed} presses in turn, from the moment the entrance opened; ${presses.lost} without a request within 60 s`,
    },
    {
      id: 'catch-up',
      what: 'Catching up after a pause',
      measured: { rows, seconds, perSecond: rows / seconds },
      shown: `${count(rows / seconds)}/s`,
      how: `${count(rows)} rows of ${count(ground.homes.length)} homes, from the start of the process until nothing waits`,
    },
  ]
}

/** After the backlog has been folded and is in the history: next to nothing else is in either table. */
export async function measureDisk({ log }: Parts, rows: number): Promise<Figure> {
  const [logBytes, historyBytes] = [await log.bytesOf('observation_log'), await log.bytesOf('reading')]
  return {
    id: 'disk',
    what: 'Disk that a telemetry message takes',
    measured: { rows, logBytes, historyBytes },
    shown: `${count(logBytes / rows)} bytes in the log, ${count(historyBytes / rows)} in the history`,
    how: `both tables with their indexes after ${count(rows)} messages of ${FILL_BYTES} bytes, divided by them; the log before its day is packed, the history in PostgreSQL`,
  }
}

/** A person's irregular pace, in ms. */
export function pausePress(): number {
  return IDLE_PAUSE_MS.least + Math.random() * IDLE_PAUSE_MS.spread
}

export function pressFigure(id: string, what: string, presses: Presses, how: string): Figure {
  return {
    id,
    what,
    measured: { ...presses },
    // Of a handful of presses the 99th percentile is only the longest, and should not look like more.
    shown: `p50 ${ms(presses.p50Ms)}, ${presses.pressed < FEW_PRESSES ? `longest ${ms(presses.longestMs)}` : `p99 ${ms(presses.p99Ms)}`}`,
    how: `${presses.pressed} presses, ${presses.lost} without a request within 60 s; ${how}`,
  }
}
