import { parseArgs } from 'node:util'
import { findDemoFile, readDemoFile } from './homes/demo-file.ts'
import { lampText } from './homes/homes.ts'
import { SCENARIOS, scenarioNamed } from './scenarios/index.ts'
import { type Played, type Progress, playScenario } from './scenarios/player.ts'
import type { Scenario } from './scenarios/scenario.ts'

const HELP = `Plays what happens in a home, against a running platform, over MQTT.

  npm run sim -- <scenario> [--home ID] [--speed N] [--seed N] [--wait] [--demo PATH]
  npm run sim -- --list

  --home ID    the home it happens in (default: the first that has the devices)
  --speed N    N times faster than life: messages say times in the past, like a gateway delivering its backlog
  --wait       go on showing the lamp until the incident is resolved
  --demo PATH  the platform's demo.json (default: .data/demo.json, else the newest in /var/lib/anlin)
`

const OPTIONS = {
  home: { type: 'string' },
  speed: { type: 'string' },
  seed: { type: 'string', default: '1' },
  demo: { type: 'string' },
  wait: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

class UsageError extends Error {
  readonly code = 'usage'
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new UsageError(`--${name} is ${text}; a number above 0 is expected`)
}

function list(): void {
  for (const { name, explain } of SCENARIOS) print(`${name}\n  ${explain.en}\n  ${explain.zh}\n`)
  print('town\n  Load: the telemetry of many homes from one process.\n  负载：单进程模拟众多家庭的遥测数据。')
}

function show(progress: Progress): void {
  switch (progress.type) {
    case 'started':
      print(`home ${progress.homeId}: ${progress.steps} steps in ${Math.round(progress.lastsMs / 1000)} s`)
      return
    case 'said': {
      const { step, saysAtMs } = progress.timed
      const said = step.does === 'cut' ? '' : JSON.stringify(step.body)
      const ack = `PUBACK after ${progress.acknowledgedAfterMs.toFixed(1)} ms`
      print(`${new Date(saysAtMs).toISOString()} ${progress.deviceId} ${step.does} ${said}  ${ack}`)
      return
    }
    case 'cut':
      print(`${progress.deviceId}: cut off without a word`)
      return
    case 'lamp': {
      const { deviceId, afterMs, incident } = progress.lamp
      print(`lamp of ${deviceId} after ${afterMs.toFixed(1)} ms: ${lampText(incident)}`)
    }
  }
}

function sum(scenario: Scenario, played: Played): void {
  const first = played.lamps[0]
  const lamp = first ? `; the lamp answered after ${first.afterMs.toFixed(1)} ms` : ''
  print(`${scenario.name}: ${played.said} messages acknowledged${lamp}`)
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true })
  if (values.help) return print(HELP)
  if (values.list) return list()
  const name = positionals[0]
  if (name === undefined || positionals.length > 1) throw new UsageError(`one scenario is expected\n\n${HELP}`)
  const demoPath = findDemoFile(values.demo)
  const demo = readDemoFile(demoPath)
  const seed = positive('seed', values.seed)
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  process.once('SIGTERM', () => stop.abort())
  const scenario = scenarioNamed(name)
  if (!scenario) {
    throw new UsageError(`no scenario ${name}; there are ${SCENARIOS.map((one) => one.name).join(', ')} and town`)
  }
  if (values.speed !== undefined && !scenario.canHurry) print(`${name} takes its real minutes; --speed is ignored`)
  const played = await playScenario({
    scenario,
    demo,
    demoPath,
    seed,
    wait: values.wait,
    signal: stop.signal,
    onProgress: show,
    ...(values.home === undefined ? {} : { homeId: values.home }),
    ...(values.speed === undefined ? {} : { speed: positive('speed', values.speed) }),
  })
  sum(scenario, played)
}

main().catch((error: unknown) => {
  const text = error instanceof Error ? error.message : String(error)
  process.stderr.write(`sim: ${text}\n`)
  process.exitCode = 1
})
