import { count, type Figure, ms } from './figures.ts'
import { type Ground, telemetrySpeaker } from './ground.ts'
import type { Load } from './load.ts'
import type { Address, ClosedLoopResult, Speaker } from './load-orders.ts'
import { startBareAedes, startMosquitto } from './peers.ts'
import type { Plan } from './plan.ts'

export const CONNECTIONS = 50
const INFLIGHT = 20
const PAYLOAD_BYTES = 256
/** From here on the load process, and not the broker, sets the rate. */
const LOAD_LIMIT = 0.9

type Measured = { together: ClosedLoopResult; alone: ClosedLoopResult }

/**
 * The same load against our ingest role, bare Aedes and Mosquitto. They take turns, so that what else the machine does
 * meets all of them; of each one's rounds the middle one counts.
 */
export async function measureBrokers(ground: Ground, load: Load, plan: Plan): Promise<Figure[]> {
  const speakers = ground.homes.slice(0, CONNECTIONS).map(telemetrySpeaker)
  const ingest = await ground.startRoles(['ingest'])
  const aedes = await startBareAedes()
  const mosquitto = await startMosquitto()
  const rounds: Record<'ours' | 'bare' | 'debian', Measured[]> = { ours: [], bare: [], debian: [] }
  for (let round = 0; round < plan.rounds; round++) {
    rounds.ours.push(await measure(ground.address, speakers, load, plan))
    rounds.bare.push(await measure(aedes, speakers, load, plan))
    if (mosquitto) rounds.debian.push(await measure(mosquitto, speakers, load, plan))
  }
  await mosquitto?.end()
  await aedes.end()
  await ingest.end()
  const ratio = middle(
    rounds.ours.map((ours, round) => ours.together.perSecond / (rounds.bare[round]?.together.perSecond ?? 0)),
  )
  return figures(middleOf(rounds.ours), middleOf(rounds.bare), mosquitto ? middleOf(rounds.debian) : null, ratio)
}

/** Ingest's maximum alone, a second, where a run leaves the brokers out. */
export async function measureMaximum(ground: Ground, load: Load, plan: Plan): Promise<number> {
  const ingest = await ground.startRoles(['ingest'])
  const { together } = await measure(
    ground.address,
    ground.homes.slice(0, CONNECTIONS).map(telemetrySpeaker),
    load,
    plan,
  )
  await ingest.end()
  return together.perSecond
}

async function measure({ host, port }: Address, speakers: Speaker[], load: Load, plan: Plan): Promise<Measured> {
  const shape = { host, port, payloadBytes: PAYLOAD_BYTES, warmUpSeconds: plan.warmUpSeconds }
  const together = await load.closedLoop({ ...shape, speakers, inflight: INFLIGHT, seconds: plan.throughputSeconds })
  const one = speakers.slice(0, 1)
  const alone = await load.closedLoop({ ...shape, speakers: one, inflight: 1, seconds: plan.aloneSeconds })
  return { together, alone }
}

function middleOf(rounds: Measured[]): Measured {
  return {
    together: middleRound(rounds.map(({ together }) => together)),
    alone: middleRound(rounds.map(({ alone }) => alone)),
  }
}

/** The round of the middle throughput; what was sent, answered and lost is summed over all rounds. */
function middleRound(rounds: ClosedLoopResult[]): ClosedLoopResult {
  const sorted = rounds.toSorted((a, b) => a.perSecond - b.perSecond)
  const round = sorted[Math.floor((sorted.length - 1) / 2)]
  if (!round) throw new Error('nothing was measured')
  const sum = (pick: (result: ClosedLoopResult) => number) => rounds.reduce((total, result) => total + pick(result), 0)
  return {
    ...round,
    sent: sum((result) => result.sent),
    acknowledged: sum((result) => result.acknowledged),
    connectionsLost: sum((result) => result.connectionsLost),
  }
}

function middle(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN
}

function figures(ours: Measured, bare: Measured, mosquitto: Measured | null, ratio: number): Figure[] {
  const loadHow = `${CONNECTIONS} connections × ${INFLIGHT} inflight, ${PAYLOAD_BYTES} bytes, one write a message, the load in its own process on the same processors`
  const rows: [string, string, Measured, string][] = [
    ['ingest', 'Anlin `ingest`, every message on disk (fsync)', ours, loadHow],
    ['bare-aedes', 'bare Aedes, nothing stored', bare, 'the same load; defaults, every login accepted'],
  ]
  if (mosquitto) rows.push(['mosquitto', 'Mosquitto, nothing stored', mosquitto, 'the same load; persistence off'])
  return [
    ...rows.map(([id, name, { together }, how]) => throughput(id, name, together, how)),
    {
      id: 'ingest-to-aedes',
      what: 'Anlin `ingest` to bare Aedes',
      measured: { ratio },
      shown: ratio.toFixed(2),
      how: 'the middle of the ratios, round by round',
    },
    ...rows.map(([id, name, { alone }]) => aloneFigure(id, name, alone)),
  ]
}

function throughput(id: string, name: string, result: ClosedLoopResult, how: string): Figure {
  const { perSecond, pubackP50Ms, pubackP99Ms, cpuShare } = result
  return {
    id: `${id}-throughput`,
    what: `QoS 1, ${name}`,
    measured: { ...result },
    shown: `${count(perSecond)}/s; PUBACK p50 ${ms(pubackP50Ms)}, p99 ${ms(pubackP99Ms)}`,
    how: `${how}; the load used ${cpuShare.toFixed(2)} of a processor${cpuShare > LOAD_LIMIT ? ', which is all it can' : ''}`,
  }
}

function aloneFigure(id: string, name: string, result: ClosedLoopResult): Figure {
  return {
    id: `${id}-alone`,
    what: `PUBACK of one client alone, ${name}`,
    measured: { ...result },
    shown: `p50 ${exactMs(result.pubackP50Ms)}, p99 ${exactMs(result.pubackP99Ms)}`,
    how: 'one connection, one message at a time',
  }
}

const exactMs = (value: number) => `${value.toFixed(2)} ms`
