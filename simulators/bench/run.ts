import type { Figure } from './figures.ts'
import { type Ground, prepareGround } from './ground.ts'
import { type Load, startLoad } from './load.ts'
import { type LogReading, readLog } from './log-reading.ts'
import { measureBrokers } from './measure-brokers.ts'
import { measureDemoMemory, measureIdleConnections } from './measure-memory.ts'
import { measureBacklog, measureFold, measureIdlePresses, measureLoadedPresses } from './measure-way.ts'
import type { Plan } from './plan.ts'

export const MEASUREMENTS = ['brokers', 'connections', 'presses', 'fold', 'backlog', 'memory'] as const
export type Measurement = (typeof MEASUREMENTS)[number]

export type RunOptions = {
  plan: Plan
  only: readonly Measurement[]
  profileFolder?: string | undefined
  onProgress(line: string): void
  onFigure(figure: Figure): void
}

/** Measures one thing after another on one machine; what a later one needs of an earlier one is measured if need be. */
export async function runBench(options: RunOptions): Promise<Figure[]> {
  const { plan, only, onProgress } = options
  const figures: Figure[] = []
  const take = (...found: Figure[]) => {
    figures.push(...found)
    for (const figure of found) options.onFigure(figure)
  }
  const wants = (...names: Measurement[]) => names.some((name) => only.includes(name))
  const load = startLoad()
  try {
    let maximum: number | null = null
    if (wants('brokers', 'connections')) {
      await onGround(options, async (ground) => {
        onProgress('brokers: the same load against ingest, bare Aedes and Mosquitto')
        if (wants('brokers')) take(...(await measureBrokers(ground, load, plan)))
        onProgress('connections: thousands, idle')
        if (wants('connections')) take(await measureIdleConnections(ground, load, plan))
      })
      maximum = figures.find(({ id }) => id === 'ingest-throughput')?.measured.perSecond ?? null
    }
    if (wants('presses', 'fold', 'backlog')) {
      await onGround(options, async (ground, log) => {
        const parts = { ground, load, log, plan }
        await measureWay(parts, { wants, take, onProgress, maximum })
      })
    }
    onProgress('memory: the whole demo')
    if (wants('memory')) take(await measureDemoMemory(plan))
  } finally {
    await load.end()
  }
  return figures
}

type Way = {
  wants(...names: Measurement[]): boolean
  take(...found: Figure[]): void
  onProgress(line: string): void
  maximum: number | null
}

async function measureWay(parts: { ground: Ground; load: Load; log: LogReading; plan: Plan }, way: Way): Promise<void> {
  const { wants, take, onProgress } = way
  if (wants('presses', 'fold')) {
    const maximum = way.maximum ?? (await measureMaximum(parts))
    const all = await parts.ground.startAll()
    await parts.log.untilCaughtUp('rules', CATCH_UP_WITHIN_MS)
    onProgress('presses: one after the other, idle')
    if (wants('presses')) take(await measureIdlePresses(parts))
    onProgress('presses: while the town publishes')
    if (wants('presses')) take(await measureLoadedPresses(parts, maximum))
    onProgress('fold: the greatest rate without falling behind')
    if (wants('fold')) take(await measureFold(parts, maximum))
    await all.end()
  }
  onProgress('backlog: the log fills while the rules stand still')
  if (wants('backlog')) take(...(await measureBacklog(parts)))
}

const CATCH_UP_WITHIN_MS = 240_000

/** Ingest's maximum where nobody has measured it in this run. */
async function measureMaximum({ ground, load, plan }: { ground: Ground; load: Load; plan: Plan }): Promise<number> {
  const figures = await measureBrokers(ground, load, plan)
  return figures.find(({ id }) => id === 'ingest-throughput')?.measured.perSecond ?? 0
}

async function onGround(options: RunOptions, work: (ground: Ground, log: LogReading) => Promise<void>): Promise<void> {
  options.onProgress(`preparing a platform with ${options.plan.homes} homes`)
  const ground = await prepareGround({ homes: options.plan.homes, profileFolder: options.profileFolder })
  try {
    const log = await readLog(ground.databaseUrl)
    await work(ground, log).finally(() => log.end())
  } finally {
    await ground.destroy()
  }
}
