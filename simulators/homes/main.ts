import { parseArgs } from 'node:util'
import { findDemoFile, readDemoFile } from './demo-file.ts'
import { startHomes } from './homes.ts'

const HELP = `The homes of demo.json, each device sending at its normal pace, until SIGTERM or Ctrl-C.

  node simulators/homes/main.ts [--demo PATH] [--seed N] [--quiet]
`

const { values } = parseArgs({
  options: {
    demo: { type: 'string' },
    seed: { type: 'string', default: '1' },
    quiet: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

function run(): void {
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const demoPath = findDemoFile(values.demo)
  const demo = readDemoFile(demoPath)
  const log = (line: string) => process.stdout.write(`homes: ${line}\n`)
  const homes = startHomes({ demo, seed: Number(values.seed), demoPath, ...(values.quiet ? {} : { log }) })
  let closing = false
  const end = () => {
    if (closing) return
    closing = true
    void homes.close().then(() => process.exit(0))
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
}

try {
  run()
} catch (error) {
  process.stderr.write(`homes: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
