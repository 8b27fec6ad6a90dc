import { parseArgs } from 'node:util'
import { findDemoFile, mqttAddress, readDemoFile } from './homes/demo-file.ts'
import { lampText } from './homes/homes.ts'
import { runTown } from './homes/town.ts'
import { townAccounts } from './homes/town-accounts.ts'
import { MESSAGES_PER_HOME_AND_MINUTE } from './homes/town-lines.ts'
import { SCENARIOS, scenarioNamed } from './scenarios/index.ts'
import { type Played, type Progress, playScenario } from './scenarios/player.ts'
import type { Scenario } from './scenarios/scenario.ts'

const HELP = `Plays what happens in a home, against a running platform, over MQTT.

  npm run sim -- <scenario> [--home ID] [--speed N] [--seed N] [--wait] [--demo PATH]
  npm run sim -- --list
  npm run sim -- town --homes N [--rate MESSAGES/S] [--seconds S] [--connections N] [--accounts FILE]

  --home ID    the home it happens in (default: the first that has the devices)
  --speed N    N times faster than life: messages say times in the past, like a gateway delivering its backlog
  --wait       go on showing the lamp until the incident is resolved
  --rate R     the town's messages a second (default: life's own pace, 7 a minute and home)
  --accounts F homes to load with, shaped like demo.json; without it homes are made through the API and kept
               in town-accounts.json beside demo.json
  --demo PATH  the platform's demo.json (default: .data/demo.json, else the newest in /var/lib/anlin)
`

const OPTIONS = {
  home: { type: 'string' },
  speed: { type: 'string' },
  seed: { type: 'string', default: '1' },
  demo: { type: 'string' },
  homes: { type: 'string', default: '100' },
  rate: { type: 'string' },
  seconds: { type: 'string', default: '60' },
  connections: { type: 'string' },
  accounts: { type: 'string' },
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

type Values = ReturnType<typeof readArguments>['values']

function readArguments() {
  return parseArgs({ options: OPTIONS, allowPositionals: true })
}

async function playTown(values: Values, signal: AbortSignal): Promise<void> {
  const count = positive('homes', values.homes)
  const demoPath = values.accounts ?? findDemoFile(values.demo)
  const demo = readDemoFile(demoPath)
  const onProgress = (made: number, of: number) => {
    if (made % 100 === 0 || made === of) print(`${made} of ${of} homes have accounts`)
  }
  const homes = values.accounts ? demo.homes.slice(0, count) : await townAccounts({ demo, demoPath, count, onProgress })
  const rate = values.rate === undefined ? (homes.length * MESSAGES_PER_HOME_AND_MINUTE) / 60 : values.rate
  const town = await runTown({
    ...mqttAddress(demo),
    homes,
    rate: positive('rate', String(rate)),
    seconds: positive('seconds', values.seconds),
    seed: positive('seed', values.seed),
    signal,
    onProgress({ connected, sent, acknowledged }) {
      print(`${connected} connections, ${sent} sent, ${acknowledged} acknowledged`)
    },
    ...(values.connections === undefined ? {} : { connections: positive('connections', values.connections) }),
  })
  const puback = `PUBACK p50 ${town.pubackP50Ms.toFixed(1)} ms, p99 ${town.pubackP99Ms.toFixed(1)} ms`
  print(`${homes.length} homes: ${town.acknowledged} acknowledged, ${town.perSecond.toFixed(0)} a second; ${puback}`)
  print(`left out ${town.leftOut}, sent again ${town.resent}, never answered ${town.unanswered}`)
  print(`connections lost ${town.connectionsLost}, connects failed ${town.connectsFailed}`)
  if (town.acknowledged === 0 || town.unanswered > 0) process.exitCode = 1
}

async function play(scenario: Scenario, values: Values, signal: AbortSignal): Promise<void> {
  const demoPath = findDemoFile(values.demo)
  if (values.speed !== undefined && !scenario.canHurry)
    print(`${scenario.name} takes its real minutes; --speed is ignored`)
  const played = await playScenario({
    scenario,
    demo: readDemoFile(demoPath),
    demoPath,
    seed: positive('seed', values.seed),
    wait: values.wait,
    signal,
    onProgress: show,
    ...(values.home === undefined ? {} : { homeId: values.home }),
    ...(values.speed === undefined ? {} : { speed: positive('speed', values.speed) }),
  })
  sum(scenario, played)
}

async function main(): Promise<void> {
  const { values, positionals } = readArguments()
  if (values.help) return print(HELP)
  if (values.list) return list()
  const name = positionals[0]
  if (name === undefined || positionals.length > 1) throw new UsageError(`one scenario is expected\n\n${HELP}`)
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  process.once('SIGTERM', () => stop.abort())
  if (name === 'town') return playTown(values, stop.signal)
  const scenario = scenarioNamed(name)
  if (!scenario) {
    throw new UsageError(`no scenario ${name}; there are ${SCENARIOS.map((one) => one.name).join(', ')} and town`)
  }
  await play(scenario, values, stop.signal)
}

main().catch((error: unknown) => {
  const text = error instanceof Error ? error.message : String(error)
  process.stderr.write(`sim: ${text}\n`)
  process.exitCode = 1
})
