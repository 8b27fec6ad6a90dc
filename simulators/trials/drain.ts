import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectRaw, type RawPublisher } from '../homes/raw-publisher.ts'
import { between, seededRandom } from '../homes/seeded.ts'
import { signIn } from './operator.ts'
import { type DemoFile, type PlatformUnderTrial, preparePlatform, type RunningPlatform } from './platform-process.ts'
import { seen } from './seen.ts'
import type { Trial, TrialOptions, TrialResult } from './trial.ts'

/** What comes in when the signal comes, over all connections. */
const RATE_PER_S = 5_000
const TICK_MS = 10
const BEFORE_MS = { least: 700, most: 1_500 }
/** npm hands on a Ctrl-C that the program has already had. */
const ECHO_AFTER_MS = 150
/** A signal that comes later than this is a second one, and ends it at once. */
const ECHO_WITHIN_MS = 1_500
/** Before each end so much is acknowledged, however slow the machine. */
const LEAST_ACKNOWLEDGED = 1_000
const ACKNOWLEDGED_WITHIN_MS = 60_000
/** More than the trial sends, so that the limit on one account is not what is tried. */
const SETTINGS = { MQTT_RATE_PER_ACCOUNT: '1000' }

/** `size` ends under load, by turns with SIGTERM and with a Ctrl-C that comes twice. */
export const drainTrial: Trial = {
  name: 'drain',
  holds: `SIGTERM, or Ctrl-C twice, while ${RATE_PER_S} messages/s come in: exit code 0, everything acknowledged is stored`,
  soakSize: 40,
  async run(options) {
    const place = await preparePlatform(SETTINGS)
    try {
      return await endAgainAndAgain(place, options)
    } finally {
      await place.destroy()
    }
  },
}

type Said = { attempted: number; acknowledged: Map<string, string[]>; perSecond: number }

async function endAgainAndAgain(place: PlatformUnderTrial, options: TrialOptions): Promise<TrialResult> {
  const random = seededRandom(options.seed)
  const faults: string[] = []
  const rounds: Said[] = []
  let slowestEndMs = 0
  for (let round = 0; round < options.size; round++) {
    const platform = await place.start()
    const load = await startLoad(place.demo())
    await sleep(between(random, BEFORE_MS.least, BEFORE_MS.most))
    if (!(await seen(() => load.acknowledged() >= LEAST_ACKNOWLEDGED, ACKNOWLEDGED_WITHIN_MS))) {
      faults.push(`end ${round + 1}: fewer than ${LEAST_ACKNOWLEDGED} messages were acknowledged before it`)
    }
    const startedAt = performance.now()
    const code = await endOnce(platform, round % 2 === 0 ? 'SIGTERM' : 'SIGINT')
    slowestEndMs = Math.max(slowestEndMs, performance.now() - startedAt)
    if (code !== 0) faults.push(`end ${round + 1}: exit code ${code}\n${platform.output()}`)
    rounds.push(load.stop())
    options.onProgress(
      `${round + 1} of ${options.size} ends, the last within ${Math.round(performance.now() - startedAt)} ms`,
    )
  }
  const platform = await place.start()
  const counts = await countStored(place.demo(), rounds)
  await platform.end()
  if (counts.lost > 0) faults.push(`${counts.lost} acknowledged messages are not stored`)
  if (counts.doubled > 0) faults.push(`${counts.doubled} messages are stored twice, though nobody sent them again`)
  const perSecond = rounds.reduce((least, said) => Math.min(least, said.perSecond), Number.POSITIVE_INFINITY)
  return { ...counts, figures: { ends: options.size, leastAcknowledgedPerSecond: perSecond, slowestEndMs }, faults }
}

async function endOnce(platform: RunningPlatform, signal: 'SIGTERM' | 'SIGINT'): Promise<number | null> {
  const startedAt = performance.now()
  process.kill(platform.pid, signal)
  if (signal === 'SIGINT') {
    await sleep(ECHO_AFTER_MS)
    try {
      if (performance.now() - startedAt < ECHO_WITHIN_MS) process.kill(platform.pid, signal)
    } catch {
      // It was quicker than the echo.
    }
  }
  return platform.exited
}

async function countStored(demo: DemoFile, rounds: Said[]) {
  const operator = await signIn(demo)
  const attempted = rounds.reduce((sum, said) => sum + said.attempted, 0)
  let acknowledged = 0
  let lost = 0
  let doubled = 0
  for (const { id } of demo.homes) {
    const stored = await operator.storedIds(id)
    const ids = rounds.flatMap((said) => said.acknowledged.get(id) ?? [])
    acknowledged += ids.length
    lost += ids.filter((messageId) => !stored.has(messageId)).length
    doubled += ids.filter((messageId) => (stored.get(messageId) ?? 0) > 1).length
  }
  return { attempted, acknowledged, lost, doubled }
}

/** Every home's sleep monitor and gas detector, over connections of their own, together at the trial's rate. */
async function startLoad(demo: DemoFile): Promise<{ acknowledged(): number; stop(): Said }> {
  const { hostname: host, port } = new URL(demo.mqtt)
  const acknowledged = new Map<string, string[]>()
  const speakers: { publisher: RawPublisher; topic: Buffer; ids: string[] }[] = []
  for (const home of demo.homes) {
    const ids: string[] = []
    acknowledged.set(home.id, ids)
    for (const { id, kind, username, password } of home.devices) {
      if (kind !== 'sleep-monitor' && kind !== 'gas-detector') continue
      const login = { username, password, clientId: `drain-${home.id}-${id}` }
      const publisher = await connectRaw({ host, port: Number(port), ...login, maxInflight: 200 })
      speakers.push({ publisher, topic: Buffer.from(`care/v1/${home.id}/${id}/telemetry`), ids })
    }
  }
  let attempted = 0
  const startedAt = performance.now()
  const ticking = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1000) * RATE_PER_S
    for (let at = 0; attempted < due && at < RATE_PER_S; at++) {
      const speaker = speakers[at % speakers.length]
      if (!speaker || speaker.publisher.free === 0) continue
      const id = randomUUID()
      const payload = `{"id":"${id}","at":"${new Date().toISOString()}","temperatureC":21.5}`
      if (speaker.publisher.publish(speaker.topic, payload, () => speaker.ids.push(id))) attempted += 1
    }
  }, TICK_MS)
  let lastAckAt = startedAt
  const known = () => [...acknowledged.values()].reduce((sum, ids) => sum + ids.length, 0)
  const watching = setInterval(() => {
    if (speakers.some(({ publisher }) => !publisher.lost)) lastAckAt = performance.now()
  }, TICK_MS)
  return {
    acknowledged: known,
    stop() {
      clearInterval(ticking)
      clearInterval(watching)
      for (const { publisher } of speakers) publisher.destroy()
      return { attempted, acknowledged, perSecond: (known() / (lastAckAt - startedAt)) * 1000 }
    },
  }
}
