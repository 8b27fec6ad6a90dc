import { setTimeout as sleep } from 'node:timers/promises'
import { between, seededRandom } from '../homes/seeded.ts'
import { followPhones } from './phones.ts'
import { prepareForRoles, startRoles } from './place.ts'
import { type PlatformUnderTrial, preparePlatform, type RunningPlatform } from './platform-process.ts'
import { startPressing } from './pressing.ts'
import { startRedis } from './redis.ts'
import { seen } from './seen.ts'
import { type Counts, sumFigures, type Trial, type TrialOptions, type TrialResult } from './trial.ts'

/** With no hint left, an alarm waits for one sweep in one process, and for one at each hop between three. */
const LIMIT_MS = { together: 2_000, apart: 3_200 }
/** The first seconds after a start are slower; they are another trial's. They are over once nothing took half the limit. */
const BEFORE_MS = { least: 2_500, most: 3_500 }
const STEADY_MS = 2_000
const STEADY_WITHIN_MS = 60_000
const AFTERWARDS_MS = 5_000
const SETTLE_MS = 20_000
const ROLES = [['ingest', 'api'], ['rules'], ['escalation'], ['notify']]

/** `size` queues that go away for good, by turns under roles in four processes and all roles in one. */
export const queueAwayTrial: Trial = {
  name: 'queue-away',
  holds: `Redis killed for good: alarms reach the phone within ${LIMIT_MS.together} ms in one process, ${LIMIT_MS.apart} ms in four`,
  soakSize: 6,
  async run(options) {
    const results: TrialResult[] = []
    for (let round = 0; round < options.size; round++) {
      const place = await preparePlatform()
      try {
        results.push(await loseQueue(place, { ...options, seed: options.seed + round }, round % 2 === 0))
      } finally {
        await place.destroy()
      }
    }
    return total(results)
  },
}

async function loseQueue(place: PlatformUnderTrial, options: TrialOptions, apart: boolean): Promise<TrialResult> {
  const random = seededRandom(options.seed)
  const queue = await startRedis()
  const redis = { REDIS_URL: queue.url }
  const running: RunningPlatform[] = []
  let mqttPort = place.ports.mqtt
  if (apart) {
    await prepareForRoles(place)
    const processes = await Promise.all(ROLES.map((roles) => startRoles(place, roles, redis)))
    running.push(...processes)
    mqttPort = processes[0]?.mqttPort ?? 0
  } else running.push(await place.start(['all'], redis))
  const phones = followPhones(place.phones.url)
  const demo = { ...place.demo(), mqtt: `mqtt://127.0.0.1:${mqttPort}` }
  const pressing = await startPressing(demo, phones, options.seed)
  await sleep(between(random, BEFORE_MS.least, BEFORE_MS.most))
  const limitMs = apart ? LIMIT_MS.apart : LIMIT_MS.together
  const recentMs = () => {
    const since = performance.now() - STEADY_MS
    return pressing.slowest(({ rangAt }) => rangAt === null || rangAt >= since)
  }
  // On a machine where it never is, the limit holds all the same.
  await seen(() => recentMs() <= limitMs / 2, STEADY_WITHIN_MS)
  const beforeMs = recentMs()
  await queue.kill()
  const goneAt = performance.now()
  await sleep(AFTERWARDS_MS)
  const { doubledMessages, incidents, homes, ...counts } = await pressing.settle(SETTLE_MS)
  const afterMs = pressing.slowest(({ beganAt }) => beganAt >= goneAt)
  await phones.close()
  await Promise.all(running.map((one) => one.end()))
  const faults =
    afterMs > limitMs ? [`an alarm took ${Math.round(afterMs)} ms without a queue, at most ${limitMs}`] : []
  if (counts.lost > 0) faults.push(`${counts.lost} acknowledged presses have no incident or reached no phone`)
  const where = apart ? 'Apart' : 'Together'
  const figures = { homes, incidents, doubledMessages, [`before${where}Ms`]: beforeMs, [`after${where}Ms`]: afterMs }
  return { ...counts, figures, faults }
}

function total(results: TrialResult[]): TrialResult {
  const sum = (name: keyof Counts) => results.reduce((all, result) => all + result[name], 0)
  return {
    attempted: sum('attempted'),
    acknowledged: sum('acknowledged'),
    lost: sum('lost'),
    doubled: sum('doubled'),
    figures: sumFigures(results.map(({ figures }) => figures)),
    faults: results.flatMap(({ faults }) => faults),
  }
}
