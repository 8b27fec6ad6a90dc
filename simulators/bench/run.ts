import type { Figure } from './figures.ts'
import { type Ground, prepareGround } from './ground.ts'
import { startLoad } from './load.ts'
import { type LogReading, readLog } from './log-reading.ts'
import { measureBrokers, measureMaximum } from './measure-brokers.ts'
import { measureDemoMemory, measureIdleConnections } from './measure-memory.ts'
import { measureRulesAlone } from './measure-rules.ts'
import { LOST_AFTER_SECONDS, measureStorm } from './measure-storm.ts'
import {
  fillLog,
  type Half,
  measureBacklog,
  measureDisk,
  measureFold,
  measureIdlePresses,
  measureLoadedPresses,
  type Parts,
} from './measure-way.ts'
import type { Plan } from './plan.ts'
import { type Town, townsOf } from './towns.ts'

export const MEASUREMENTS = ['brokers', 'connections', 'presses', 'fold', 'backlog', 'storm', 'memory'] as const
export type Measurement = (typeof MEASUREMENTS)[number]

export type RunOptions = {
  plan: Plan
  only: readonly Measurement[]
  profileFolder?: string | undefined
  /** Ends the run early; its processes are ended and its folder removed all the same. */
  signal?: AbortSignal
  onProgress(line: string): void
  onFigure(figure: Figure): void
}

/**
 * Measures one thing after another on one machine; what a later one needs of an earlier one is measured if need be,
 * except what the way keeps up with: presses at half of that want the fold too.
 */
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
        if (wants('brokers')) {
          onProgress('brokers: the same load against ingest, bare Aedes and Mosquitto')
          take(...(await measureBrokers(ground, load, plan)))
        }
        if (wants('connections')) {
          onProgress('connections: thousands, idle')
          take(await measureIdleConnections(ground, load, plan))
        }
      })
      maximum = figures.find(({ id }) => id === 'ingest-throughput')?.measured.perSecond ?? null
    }
    if (wants('presses', 'fold', 'backlog')) {
      await onGround(options, async (ground, log) => {
        const parts = { ground, load, log, plan }
        await measureWay(parts, { wants, take, onProgress, maximum })
      })
    }
    if (wants('storm')) {
      const lost = { ...options, gatewayLostSeconds: LOST_AFTER_SECONDS }
      await onGround(lost, async (ground, log) => {
        onProgress('storm: every gateway is lost at once')
        take(await measureStorm({ ground, log, plan }))
      })
    }
    if (wants('memory')) {
      onProgress('memory: the whole demo')
      take(await measureDemoMemory(plan))
    }
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

async function measureWay(parts: Parts, way: Way): Promise<void> {
  const { wants, take, onProgress } = way
  const { ground, load, log, plan } = parts
  const maximum = way.maximum ?? (wants('presses', 'fold') ? await measureMaximum(ground, load, plan) : 0)
  if (wants('backlog')) onProgress('backlog: the log fills while the rules stand still')
  const filled = wants('backlog') ? await fillLog(parts) : 0
  const all = await ground.startAll()
  if (wants('backlog')) take(...(await measureBacklog(parts, filled)))
  await log.untilIdle()
  if (wants('backlog')) take(await measureDisk(parts, filled))
  if (wants('presses')) {
    onProgress('presses: one after the other, idle')
    await ground.closeIncidents()
    take(await measureIdlePresses(parts))
    await ground.closeIncidents()
  }
  const towns = townsOf(ground.homes, plan)
  await measureTowns(parts, { ...way, maximum, towns })
  // Not ended, so that the database lives on without it.
  await all.kill()
  if (wants('fold')) {
    onProgress('fold: the rules by themselves')
    for (const town of towns) take(await measureRulesAlone({ ground, log, plan }, town, maximum))
  }
}

async function measureTowns(parts: Parts, way: Way & { maximum: number; towns: Town[] }): Promise<void> {
  const { wants, take, onProgress, maximum, towns } = way
  const sustained = new Map<Town, number>()
  if (wants('fold')) {
    onProgress('fold: the greatest rate without falling behind')
    for (const town of towns) {
      const figure = await measureFold(parts, town, maximum)
      take(figure)
      sustained.set(town, figure.measured.perSecond ?? 0)
    }
  }
  if (!wants('presses')) return
  // Last, for a town above the rules' own rate leaves a backlog behind.
  onProgress('presses: while the town publishes')
  const press = async (town: Town, half: Half) => {
    take(await measureLoadedPresses(parts, town, half))
    await parts.log.untilIdle()
    await parts.ground.closeIncidents()
  }
  for (const town of towns) await press(town, { of: 'ingest', maximum })
  for (const [town, most] of sustained) if (most > 0) await press(town, { of: 'way', maximum: most })
}

async function onGround(
  options: RunOptions & { gatewayLostSeconds?: number },
  work: (ground: Ground, log: LogReading) => Promise<void>,
): Promise<void> {
  const { plan, signal, ...given } = options
  options.onProgress(`preparing a platform with ${plan.homes} homes`)
  const ground = await prepareGround({ ...given, homes: plan.homes })
  const interrupted = new Promise<never>((_, reject) => {
    signal?.addEventListener('abort', () => reject(new Error('interrupted')), { once: true })
  })
  try {
    signal?.throwIfAborted()
    const log = await readLog(ground.databaseUrl)
    await Promise.race([work(ground, log).finally(() => log.end()), interrupted])
  } finally {
    await ground.destroy()
  }
}
