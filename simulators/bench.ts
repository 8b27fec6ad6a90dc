import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { FULL } from './bench/plan.ts'
import { MEASUREMENTS, type Measurement, runBench } from './bench/run.ts'
import { machineLine, tableOf, writeTables } from './bench/table.ts'

const HELP = `Measures the platform and prints one table: everything in one run on one machine (about twenty minutes).

  npm run bench [-- --only NAME[,NAME]] [--seconds N] [--json FILE] [--write] [--profile FOLDER]

  --only NAME      ${MEASUREMENTS.join(', ')}
  --seconds N      length of each throughput measurement (default ${FULL.throughputSeconds})
  --json FILE      every measured number
  --write          puts the table into README.md and docs/benchmark.md, between their markers
  --profile DIR    CPU profiles of the platform's processes
`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
      profile: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return void process.stdout.write(HELP)
  const only = values.only?.split(',').map(named) ?? MEASUREMENTS
  const seconds = Number(values.seconds ?? FULL.throughputSeconds)
  if (!(seconds > 0)) throw new Error(`--seconds is ${values.seconds}; a number above 0 is expected`)
  if (values.profile) mkdirSync(values.profile, { recursive: true })
  const startedAt = performance.now()
  const say = (line: string) =>
    void process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)} s  ${line}\n`)
  const stop = new AbortController()
  const onSignal = () => {
    // What was being measured now fails here and there; only the clearing away still matters.
    process.on('unhandledRejection', () => undefined)
    stop.abort()
  }
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  const figures = await runBench({
    plan: { ...FULL, throughputSeconds: seconds },
    only,
    profileFolder: values.profile,
    signal: stop.signal,
    onProgress: say,
    onFigure: ({ what, shown }) => say(`${what}: ${shown}`),
  })
  const table = tableOf(figures)
  process.stdout.write(`\n${machineLine()}\n\n${table}\n`)
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine: machineLine(), figures }, null, 2)}\n`)
  if (values.write) writeTables(figures)
}

function named(name: string): Measurement {
  const found = MEASUREMENTS.find((one) => one === name)
  if (!found) throw new Error(`no measurement ${name}; there are ${MEASUREMENTS.join(', ')}`)
  return found
}

main().catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.stack : error}\n`)
  process.exit(1)
})
