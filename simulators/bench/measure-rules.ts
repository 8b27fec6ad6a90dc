import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { count, type Figure } from './figures.ts'
import type { Ground } from './ground.ts'
import type { LogReading } from './log-reading.ts'
import type { Plan } from './plan.ts'
import { greatestSustained, LAG_LIMIT_S } from './sustained.ts'
import type { Town } from './towns.ts'

const ROOT = join(import.meta.dirname, '..', '..')

type Parts = { ground: Ground; log: LogReading; plan: Plan }

/**
 * What one `rules` process decodes and folds, the writer of the log and the database beside it: no broker, no load over the
 * network, no history. As with any role by itself the rows are read from the log. To be called while nothing else runs.
 */
export async function measureRulesAlone(
  { ground, log, plan }: Parts,
  { id, homes, words }: Town,
  maximum: number,
): Promise<Figure> {
  const rules = await ground.startRoles(['rules'])
  const homeIds = homes.map((home) => home.id)
  let rowsWritten = 0
  const best = await greatestSustained({ maximum, steps: plan.foldSteps }, async (rate) => {
    const writing = writeLog({ databaseUrl: ground.databaseUrl, homeIds, rate, seconds: plan.foldSeconds })
    const lagSeconds = await log.greatestLag('rules', writing)
    const { written, seconds } = await writing
    rowsWritten += written
    await log.untilCaughtUp('rules')
    return { perSecond: written / seconds, lagSeconds, historySeconds: 0 }
  })
  await rules.end()
  return {
    id: `rules-alone-${id}`,
    what: `Decoding + rules alone, sustained, of ${words}`,
    measured: { ...best, rowsWritten, steps: plan.foldSteps, shareOfIngest: best.perSecond / maximum },
    shown: `${count(best.perSecond)}/s (${(best.perSecond / maximum).toFixed(2)} of ingest alone)`,
    how: `the greatest rate with nothing over ${LAG_LIMIT_S} s behind (${plan.foldSteps} halvings, ${plan.foldSeconds} s a try); one \`rules\` process, the rows written straight into the log by another, database on the same processors`,
  }
}

type Written = { written: number; seconds: number }

/** In a process of its own, as whoever stores the messages is. @throws when it fails */
async function writeLog(order: {
  databaseUrl: string
  homeIds: string[]
  rate: number
  seconds: number
}): Promise<Written> {
  const writer: ChildProcess = spawn(process.execPath, ['services/testing/write-log.ts'], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH },
  })
  const { stdin, stdout } = writer
  if (!stdin || !stdout) throw new Error('the writer of the log has no pipes')
  stdin.end(JSON.stringify(order))
  const [said, [code]] = await Promise.all([text(stdout), once(writer, 'exit')])
  if (code !== 0) throw new Error(`the writer of the log ended with ${code}`)
  return JSON.parse(said) as Written
}
