import { setTimeout as sleep } from 'node:timers/promises'
import { connectRaw, type RawPublisher } from '../homes/raw-publisher.ts'
import { between, seededRandom } from '../homes/seeded.ts'
import { type Influxd, startInfluxd } from './influxd.ts'
import { type Operator, signIn } from './operator.ts'
import { type DemoFile, type PlatformUnderTrial, preparePlatform } from './platform-process.ts'
import type { Trial, TrialOptions, TrialResult } from './trial.ts'

const SOAK_AWAY_MS = 60_000
const AROUND_MS = { least: 2_000, most: 4_000 }
/** Each home's gas detector measures so often; two readings of one never bear the same ms. */
const MEASURES_EVERY_MS = 40
const CAUGHT_UP_WITHIN_MS = 60_000
const LOOK_EVERY_MS = 200
/** The demo's own gas detectors never say it. */
const FIELD = 'humidityPercent'
const SETTINGS = { MQTT_RATE_PER_ACCOUNT: '1000' }

type Detector = {
  homeId: string
  deviceId: string
  publisher: RawPublisher
  attempted: Set<number>
  /** When each was acknowledged, by the time it is dated with. */
  acknowledged: Map<number, number>
}

/** `size` times InfluxDB is killed in mid stream, stays away, and comes back on its own data. */
export function historyAwayFor(awayMs: number): Trial {
  return {
    name: 'history-away',
    holds: `InfluxDB killed for ${awayMs / 1_000} s in mid stream and back: readings say it is away or behind, and then nothing is missing, nothing double`,
    soakSize: 5,
    async run(options) {
      const influxd = await startInfluxd()
      const { url, bucket, api } = influxd.address
      const place = await preparePlatform({ ...SETTINGS, INFLUX_URL: url, INFLUX_BUCKET: bucket, INFLUX_API: api })
      try {
        return await killAgainAndAgain(place, influxd, awayMs, options)
      } finally {
        await place.destroy()
        await influxd.close()
      }
    },
  }
}
export const historyAwayTrial = historyAwayFor(SOAK_AWAY_MS)

async function killAgainAndAgain(
  place: PlatformUnderTrial,
  influxd: Influxd,
  awayMs: number,
  options: TrialOptions,
): Promise<TrialResult> {
  const random = seededRandom(options.seed)
  const platform = await place.start()
  const operator = await signIn(place.demo())
  const startedAtMs = Date.now()
  const detectors = await connectDetectors(place.demo())
  const measuring = setInterval(() => measureAll(detectors), MEASURES_EVERY_MS)
  const faults: string[] = []
  for (let round = 1; round <= options.size; round++) {
    await sleep(between(random, AROUND_MS.least, AROUND_MS.most))
    await influxd.kill()
    await sleep(awayMs)
    const isSilent = async () => !(await saysSo(operator, detectors, startedAtMs, awayMs / 2))
    if (await isSilent()) faults.push(`away ${round}: a reading left out what was acknowledged and did not say so`)
    await influxd.start()
    if (await isSilent()) faults.push(`back ${round}: a reading left out what was acknowledged and did not say so`)
    options.onProgress(`${round} of ${options.size} times away`)
  }
  await sleep(between(random, AROUND_MS.least, AROUND_MS.most))
  clearInterval(measuring)
  await Promise.all(detectors.map(({ publisher }) => publisher.drained()))
  const drainedAt = performance.now()
  const sinceDrainedMs = () => performance.now() - drainedAt
  let counts = await count(operator, detectors, startedAtMs)
  while (counts.lost > 0 && sinceDrainedMs() < CAUGHT_UP_WITHIN_MS) {
    await sleep(LOOK_EVERY_MS)
    counts = await count(operator, detectors, startedAtMs)
  }
  const caughtUpMs = sinceDrainedMs()
  for (const { publisher } of detectors) publisher.destroy()
  const code = await platform.end()
  if (code !== 0) faults.push(`exit code ${code}\n${platform.output()}`)
  const within = `${CAUGHT_UP_WITHIN_MS / 1_000} s after the last`
  if (counts.lost > 0) faults.push(`${counts.lost} acknowledged readings are missing ${within}`)
  if (counts.doubled > 0) faults.push(`${counts.doubled} readings are there twice`)
  const figures = { away: options.size, homes: detectors.length, caughtUpMs }
  return { ...counts, figures, faults }
}

async function connectDetectors(demo: DemoFile): Promise<Detector[]> {
  const { hostname: host, port } = new URL(demo.mqtt)
  return Promise.all(
    demo.homes.map(async (home) => {
      const device = home.devices.find(({ kind }) => kind === 'gas-detector')
      if (!device) throw new Error(`home ${home.id} has no gas detector`)
      const { id, username, password } = device
      const login = { username, password, clientId: `away-${home.id}` }
      const publisher = await connectRaw({ host, port: Number(port), ...login })
      return { homeId: home.id, deviceId: id, publisher, attempted: new Set(), acknowledged: new Map() }
    }),
  )
}

/** Dated by the device, so that each reading is known again by its time. */
function measureAll(detectors: Detector[]): void {
  const atMs = Date.now()
  for (const { homeId, deviceId, publisher, attempted, acknowledged } of detectors) {
    const topic = Buffer.from(`care/v1/${homeId}/${deviceId}/telemetry`)
    const payload = JSON.stringify({ id: `${atMs}`, at: new Date(atMs).toISOString(), [FIELD]: 21.5 })
    if (publisher.publish(topic, payload, () => acknowledged.set(atMs, Date.now()))) attempted.add(atMs)
  }
}

/** A reading that leaves out what was acknowledged longer ago than `leastMs` is refused, or says it is so far behind. */
async function saysSo(operator: Operator, detectors: Detector[], fromMs: number, leastMs: number): Promise<boolean> {
  for (const { acknowledged, ...detector } of detectors) {
    const known = [...acknowledged].filter(([, ackedAtMs]) => ackedAtMs < Date.now() - leastMs)
    const read = await operator.history({ ...detector, field: FIELD }, fromMs)
    if (read === null) continue
    const stored = new Set(read.atMs)
    if (known.some(([atMs]) => !stored.has(atMs)) && read.behindMs < leastMs) return false
  }
  return true
}

/** What is missing, and what is there twice, of what each detector was told is kept. */
async function count(operator: Operator, detectors: Detector[], fromMs: number) {
  const counts = { attempted: 0, acknowledged: 0, lost: 0, doubled: 0 }
  for (const { acknowledged, attempted, ...detector } of detectors) {
    const read = await operator.history({ ...detector, field: FIELD }, fromMs)
    const stored = new Set(read?.atMs)
    counts.attempted += attempted.size
    counts.acknowledged += acknowledged.size
    counts.lost += [...acknowledged.keys()].filter((atMs) => !stored.has(atMs)).length
    // The same reading again would stand there with another time, for one time holds one reading.
    counts.doubled += [...stored].filter((atMs) => !attempted.has(atMs)).length
  }
  return counts
}
