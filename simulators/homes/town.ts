import { randomUUID } from 'node:crypto'
import { createHistogram } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import type { DemoHome } from './demo-file.ts'
import { connectRaw, type RawPublisher, type Unacknowledged } from './raw-publisher.ts'
import { type Line, townLines } from './town-lines.ts'

/** A process may open 20,000 files on a plain machine, and the platform under test shares them. */
const MAX_CONNECTIONS = 4000
/** Where there are more lines than connections, each has its turn of this length. */
const TURN_MS = 10_000
const CONNECTS_PER_MS = 1
const RECONNECT_AFTER_MS = 1000
const INFLIGHT = 20
const TICK_MS = 5
/** More than this behind its plan, the town leaves out messages and counts them instead of piling them up. */
const MAX_DEBT_MS = 1000
/** A day: longer is a soak in several runs. */
const LONGEST_RUN_MS = 86_400_000
const DRAIN_WITHIN_MS = 10_000
const PROGRESS_EVERY_MS = 1000

export type TownOptions = {
  host: string
  port: number
  homes: DemoHome[]
  /** Messages a second, all homes together. */
  rate: number
  seconds: number
  seed: number
  /** At most `MAX_CONNECTIONS`. */
  connections?: number
  signal?: AbortSignal
  onProgress?: (progress: { connected: number; sent: number; acknowledged: number }) => void
}

export type TownResult = {
  sent: number
  acknowledged: number
  /** Sent again after a connection was lost. */
  resent: number
  /** Neither acknowledged nor sent again with success when the town ended. */
  unanswered: number
  /** Planned and left out, because the platform (or this process) could not keep up. */
  leftOut: number
  connectionsLost: number
  connectsFailed: number
  seconds: number
  perSecond: number
  pubackP50Ms: number
  pubackP99Ms: number
}

type Slot = { publisher: RawPublisher | null; line: Line }
type Counts = Pick<TownResult, 'sent' | 'acknowledged' | 'resent' | 'unanswered' | 'connectionsLost' | 'connectsFailed'>

/** Keeps one connection up, line after line, and sends again what a lost connection left unanswered. */
async function keepSlot(slot: Slot, turns: Line[], town: TownRun): Promise<void> {
  let owed: Unacknowledged[] = []
  for (let turn = 0; !town.over.aborted; ) {
    slot.line = turns[turn % turns.length] ?? slot.line
    const lost = Promise.withResolvers<void>()
    const publisher = await open(slot.line, town, () => lost.resolve())
    if (publisher === null) {
      town.counts.connectsFailed += 1
      await pause(RECONNECT_AFTER_MS, town.over)
      continue
    }
    town.counts.resent += owed.length
    for (const { topic, payload } of owed) publisher.publish(topic, payload, undefined, true)
    slot.publisher = publisher
    await Promise.race([lost.promise, pause(turns.length > 1 ? TURN_MS : LONGEST_RUN_MS, town.over)])
    slot.publisher = null
    // A lost connection has answers owing, and its line goes on; a turn that is over has none, and the next begins.
    owed = await settle(publisher, town)
    if (publisher.lost) await pause(RECONNECT_AFTER_MS, town.over)
    else turn += 1
  }
  town.counts.unanswered += owed.length
}

/** Resolves when the time is over, or the town. */
async function pause(delayMs: number, over: AbortSignal): Promise<void> {
  await wait(delayMs, undefined, { signal: over }).catch(() => undefined)
}

/** Waits for the last answers, says goodbye, and returns what was never answered. */
async function settle(publisher: RawPublisher, { counts, publishers }: TownRun): Promise<Unacknowledged[]> {
  const limit = new AbortController()
  const tooLong = wait(DRAIN_WITHIN_MS, undefined, { signal: limit.signal }).catch(() => undefined)
  await Promise.race([publisher.drained(), tooLong])
  limit.abort()
  publishers.delete(publisher)
  counts.sent += publisher.sent
  counts.acknowledged += publisher.acknowledged
  await publisher.end()
  return publisher.unacknowledged()
}

async function open(line: Line, town: TownRun, onLost: () => void): Promise<RawPublisher | null> {
  const { host, port } = town.options
  const { username, password } = line.account
  try {
    const publisher = await connectRaw({
      host,
      port,
      username,
      password,
      clientId: `town-${town.run}-${username}`,
      maxInflight: INFLIGHT,
      ownWrites: true,
      latency: town.latency,
      onLost() {
        town.counts.connectionsLost += 1
        onLost()
      },
    })
    town.publishers.add(publisher)
    return publisher
  } catch {
    return null
  }
}

type TownRun = {
  options: TownOptions
  run: string
  counts: Counts
  latency: ReturnType<typeof createHistogram>
  publishers: Set<RawPublisher>
  over: AbortSignal
}

/** Publishes at the planned rate, one message a slot in turn, until the time is over; returns what it had to leave out. */
async function speak(slots: Slot[], options: TownOptions, over: AbortSignal): Promise<number> {
  const { rate, seconds } = options
  const startedAt = performance.now()
  const maxDebt = Math.max(1, (rate * MAX_DEBT_MS) / 1000)
  let planned = 0
  let leftOut = 0
  let at = 0
  while (!over.aborted && performance.now() - startedAt < seconds * 1000) {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * rate) - planned
    const nowMs = Date.now()
    let said = 0
    for (let tried = 0; said < due && tried < Math.max(due, slots.length); tried += 1) {
      const slot = slots[at++ % slots.length]
      if (!slot?.publisher || slot.publisher.free === 0) continue
      const { topic, payload } = slot.line.next(nowMs)
      slot.publisher.publish(topic, payload)
      said += 1
    }
    const skipped = Math.max(0, Math.floor(due - said - maxDebt))
    leftOut += skipped
    planned += said + skipped
    // Not to be called off: each listener more on the same signal costs as much as there are connections.
    await wait(TICK_MS)
  }
  return leftOut
}

function totals({ counts, publishers }: TownRun): { sent: number; acknowledged: number } {
  const open = [...publishers]
  return {
    sent: open.reduce((sum, publisher) => sum + publisher.sent, counts.sent),
    acknowledged: open.reduce((sum, publisher) => sum + publisher.acknowledged, counts.acknowledged),
  }
}

function everyNth<T>(items: T[], from: number, step: number): T[] {
  const picked: T[] = []
  for (let at = from; at < items.length; at += step) picked.push(...items.slice(at, at + 1))
  return picked
}

/** Everybody's telemetry at once. Time counts from when the first connections stand; it ends when all is answered. */
export async function runTown(options: TownOptions): Promise<TownResult> {
  const run = randomUUID().slice(0, 8)
  const lines = townLines(options.homes, options.seed, run)
  const count = Math.min(lines.length, options.connections ?? MAX_CONNECTIONS, MAX_CONNECTIONS)
  const ending = new AbortController()
  const over = options.signal ? AbortSignal.any([options.signal, ending.signal]) : ending.signal
  const counts: Counts = { sent: 0, acknowledged: 0, resent: 0, unanswered: 0, connectionsLost: 0, connectsFailed: 0 }
  const town: TownRun = { options, run, counts, latency: createHistogram(), publishers: new Set(), over }
  const slots: Slot[] = []
  const keeping: Promise<void>[] = []
  for (const line of lines.slice(0, count)) {
    const slot: Slot = { publisher: null, line }
    keeping.push(keepSlot(slot, everyNth(lines, slots.length, count), town))
    slots.push(slot)
    if (slots.length % (CONNECTS_PER_MS * TICK_MS) === 0) await wait(TICK_MS)
  }
  const progress = setInterval(() => {
    options.onProgress?.({ connected: town.publishers.size, ...totals(town) })
  }, PROGRESS_EVERY_MS)
  const startedAt = performance.now()
  const leftOut = await speak(slots, options, over)
  const seconds = (performance.now() - startedAt) / 1000
  ending.abort()
  await Promise.all(keeping)
  clearInterval(progress)
  return {
    ...counts,
    leftOut,
    seconds,
    perSecond: counts.acknowledged / seconds,
    pubackP50Ms: town.latency.percentile(50) / 1000,
    pubackP99Ms: town.latency.percentile(99) / 1000,
  }
}
