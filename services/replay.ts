import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { decoder } from '../devices/index.ts'
import { ConfigError, ownConfig } from './config.ts'
import { openReport, type ReplayReport, reportLines } from './core/replay/report.ts'
import { readKeys } from './keys.ts'
import { replayHomes } from './replay-homes.ts'
import { replayIncidents } from './replay-incidents.ts'
import { createCoreFold } from './rules/core-fold.ts'
import { openPool } from './store/postgres/pool.ts'
import { openRecord } from './store/postgres/replay-database.ts'
import { createSealing } from './store/sealing.ts'

/** The promise that a record can be replayed (P8), made good: reads everything, writes nothing. */

const ROOT = join(import.meta.dirname, '..')
const HELP = `npm run replay -- [--home ID] [--from DAY] [--json]

Folds the record of this platform again and compares what comes out with what it did: the signals and the state of each
home, the incidents with their story, the messages word for word. Changes nothing; may run beside the platform.

  --home ID    this home only ("-" is the platform itself)
  --from DAY   the homes from their states at the start of this day (YYYY-MM-DD, UTC); incidents always from their first
  --json       the result as JSON

Reads the database at DATABASE_URL, else the embedded one. Ends with 0 when nothing differs, 1 when anything does.
`
const CONNECTIONS = 3
const PROGRESS_MS = 1_000
const FAILED = 2

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      home: { type: 'string' },
      from: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  if (values.from !== undefined && !/^\d{4}-\d\d-\d\d$/.test(values.from)) {
    throw new ConfigError('--from', values.from, 'a day like 2026-11-23')
  }
  const report = await replay({ homeId: values.home ?? null, from: values.from ?? null })
  process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : `${reportLines(report).join('\n')}\n`)
  return report.differenceCount === 0 ? 0 : 1
}

async function replay(asked: { homeId: string | null; from: string | null }): Promise<ReplayReport> {
  const config = ownConfig(ROOT)
  const record = await openRecord(config)
  const database = await openPool(record.url, { max: CONNECTIONS, name: 'replay' })
  const report = openReport()
  const startedAt = performance.now()
  const progress = setInterval(() => {
    const { homes, rows, passes } = report.counts
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    process.stderr.write(`${seconds} s: ${homes} homes, ${rows} rows, ${passes} passes\n`)
  }, PROGRESS_MS)
  try {
    const sealing = createSealing(readKeys(config).dataKey)
    await replayHomes({ database, fold: createCoreFold(decoder), report }, asked)
    await replayIncidents({ database, sealing, report }, asked)
    return report
  } finally {
    clearInterval(progress)
    await database.end()
    await record.close()
  }
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (error) => {
    // One line for what a person can mend; the stack only for what we have to.
    const expected = error instanceof Error && 'code' in error
    process.stderr.write(`replay: ${expected || !(error instanceof Error) ? (error?.message ?? error) : error.stack}\n`)
    process.exitCode = FAILED
  },
)
