import { randomUUID } from 'node:crypto'
import { connect, type MqttClient } from 'mqtt'
import { startBalancer } from './balancer.ts'
import { metric, type Operator, signIn } from './operator.ts'
import { prepareForRoles, type RoleProcess, startRoles } from './place.ts'
import { type DemoDevice, type DemoFile, type PlatformUnderTrial, preparePlatform } from './platform-process.ts'
import { seen } from './seen.ts'
import type { Trial, TrialOptions, TrialResult } from './trial.ts'

/** A press is answered on the lamp within this. */
const LAMP_LIMIT_MS = 2_000
const WAIT_MS = 15_000

type Home = DemoFile['homes'][number]
type Told = { incidentId: string; status: string; takenBy: string | null }
type Lamp = { client: MqttClient; told: Told[]; connects: number }

/** `size` homes, one after the other, each with its button on one ingest and its lamp on the other. */
export const twoIngestsTrial: Trial = {
  name: 'two-ingests',
  holds:
    'two ingests behind HAProxy: lamp on one, press on the other; a session that does not subscribe anew is told as well',
  soakSize: 10,
  async run(options) {
    const place = await preparePlatform()
    try {
      return await tryHomes(place, options)
    } finally {
      await place.destroy()
    }
  },
}

async function tryHomes(place: PlatformUnderTrial, options: TrialOptions): Promise<TrialResult> {
  await prepareForRoles(place)
  const workers = await startRoles(place, ['rules', 'escalation', 'notify', 'api'])
  const ingests = await Promise.all([startRoles(place, ['ingest']), startRoles(place, ['ingest'])])
  const balancer = await startBalancer(ingests)
  const result: TrialResult = { attempted: 0, acknowledged: 0, lost: 0, doubled: 0, figures: {}, faults: [] }
  const demo = { ...place.demo(), mqtt: balancer.mqtt }
  const operator = await signIn(demo)
  for (const home of demo.homes.slice(0, options.size)) {
    await tryHome({ home, demo, operator, ingests }, result)
    options.onProgress(`${home.id}: ${result.faults.length} faults`)
  }
  const last = demo.homes[Math.min(options.size, demo.homes.length) - 1]
  if (last) await restartUnderLamp({ home: last, demo, place, ingests }, result)
  await balancer.end()
  const codes = await Promise.all([workers, ...ingests].map((process) => process.end()))
  if (codes.some((code) => code !== 0)) result.faults.push(`exit codes ${codes.join(' ')}`)
  return result
}

type Scene = { home: Home; demo: DemoFile; operator: Operator; ingests: RoleProcess[] }

async function tryHome({ home, demo, operator, ingests }: Scene, result: TrialResult): Promise<void> {
  const counts = () => Promise.all(ingests.map(({ http }) => metric(http, 'anlin_mqtt_connections')))
  const lamp = await lightLamp(demo, home, true)
  let button = connectAs(demo, deviceOf(home, 'sos-button'), true)
  // The balancer gives no connection to an ingest that was once late to answer its check, until the next check.
  const oneOnEach = await seen(async () => {
    await seen(() => button.connected, WAIT_MS)
    if ((await counts()).every((count) => count === 1)) return true
    await button.endAsync(true)
    button = connectAs(demo, deviceOf(home, 'sos-button'), true)
    return false
  }, WAIT_MS)
  if (!oneOnEach) result.faults.push(`${home.id}: connections on the ingests ${(await counts()).join(' and ')}`)

  const startedAt = performance.now()
  result.attempted += 1
  await press(button, home)
  result.acknowledged += 1
  const wasTold = await seen(() => lamp.told.some(({ status }) => status === 'open'), WAIT_MS)
  const lampMs = performance.now() - startedAt
  result.figures.slowestLampMs = Math.max(result.figures.slowestLampMs ?? 0, lampMs)
  if (!wasTold) result.lost += 1
  if (!wasTold || lampMs > LAMP_LIMIT_MS)
    result.faults.push(`${home.id}: the lamp was told after ${Math.round(lampMs)} ms`)

  const incident = (await operator.incidents(home.id))[0]
  if (incident) await operator.acknowledge(incident.id)
  const hasName = () => lamp.told.some(({ status, takenBy }) => status === 'acknowledged' && takenBy !== null)
  if (!(await seen(hasName, WAIT_MS))) result.faults.push(`${home.id}: the lamp was not told who took it`)
  await Promise.all([lamp.client.endAsync(true), button.endAsync(true)])
  await seen(async () => (await counts()).every((count) => count === 0), WAIT_MS)
}

/** The lamp's session is a persistent one, so its client does not subscribe again: its ingest is new and knows nothing. */
async function restartUnderLamp(
  scene: { home: Home; demo: DemoFile; place: PlatformUnderTrial; ingests: RoleProcess[] },
  result: TrialResult,
): Promise<void> {
  const { home, demo, place, ingests } = scene
  const lamp = await lightLamp(demo, home, false)
  await seen(() => lamp.told.length > 0, WAIT_MS)
  const before = lamp.connects
  lamp.told.length = 0
  for (const ingest of ingests) {
    await ingest.kill()
    const settings = { HTTP_PORT: new URL(ingest.http).port, MQTT_PORT: String(ingest.mqttPort) }
    Object.assign(ingest, await startRoles(place, ['ingest'], settings), {
      http: ingest.http,
      mqttPort: ingest.mqttPort,
    })
  }
  if (!(await seen(() => lamp.connects > before, WAIT_MS))) result.faults.push('the lamp did not find its way back')
  if (!(await seen(() => lamp.told.some(({ status }) => status === 'acknowledged'), WAIT_MS))) {
    result.faults.push('after a restart a lamp that does not subscribe anew was told nothing')
  }
  await lamp.client.endAsync(true)
}

function deviceOf(home: Home, kind: string): DemoDevice {
  const device = home.devices.find((one) => one.kind === kind)
  if (!device) throw new Error(`home ${home.id} has no ${kind}`)
  return device
}

function connectAs(demo: DemoFile, { username, password }: DemoDevice, clean: boolean): MqttClient {
  const client = connect(demo.mqtt, {
    protocolVersion: 4,
    username,
    password,
    clean,
    clientId: 'trial',
    resubscribe: false,
    reconnectPeriod: 100,
    reconnectOnConnackError: true,
  })
  client.on('error', () => undefined)
  return client
}

async function lightLamp(demo: DemoFile, home: Home, clean: boolean): Promise<Lamp> {
  const device = deviceOf(home, 'smoke-detector')
  const lamp: Lamp = { client: connectAs(demo, device, clean), told: [], connects: 0 }
  lamp.client.on('connect', () => {
    lamp.connects += 1
  })
  lamp.client.on('message', (_topic, payload) => lamp.told.push(JSON.parse(payload.toString()) as Told))
  await lamp.client.subscribeAsync(`care/v1/${home.id}/${device.id}/incident`, { qos: 1 })
  return lamp
}

async function press(button: MqttClient, home: Home): Promise<void> {
  const said = { id: randomUUID(), at: new Date().toISOString(), kind: 'sos', state: 'pressed' }
  const topic = `care/v1/${home.id}/${deviceOf(home, 'sos-button').id}/event`
  await button.publishAsync(topic, JSON.stringify(said), { qos: 1 })
}
