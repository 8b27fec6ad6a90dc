import { setTimeout as sleep } from 'node:timers/promises'
import { between, seededRandom } from '../homes/seeded.ts'
import { metric } from './operator.ts'
import { followPhones } from './phones.ts'
import { prepareForRoles, type RoleProcess, startRoles } from './place.ts'
import { freePort, type PlatformUnderTrial, preparePlatform } from './platform-process.ts'
import { type Pressing, startPressing } from './pressing.ts'
import { replayRecord } from './replayed.ts'
import type { Trial, TrialOptions, TrialResult } from './trial.ts'

/** Longer than every lock: a message being sent is its sender's for 15 s. */
const FROZEN_MS = 16_500
/** A press of a home that the frozen ones hold nothing of. */
const OTHERS_LIMIT_MS = 5_000
/** What the frozen ones held comes after their claim, by a sweep. */
const SETTLE_MS = 30_000
const BETWEEN_MS = { least: 500, most: 1_500 }
const FROZEN_ROLES = ['ingest', 'rules', 'escalation', 'notify', 'history', 'api'] as const

/**
 * `size` times one of two workers of each role is frozen in whatever it is doing, and continued. The entrance and the API
 * that the presses and the receipts come by are never frozen themselves, only others beside them. Hints go over the same
 * database, so that a frozen one also holds connections of the queue there, in whatever transaction they are.
 */
export const frozenRoleTrial: Trial = {
  name: 'frozen-role',
  holds: `one of two of each role frozen for ${FROZEN_MS / 1000} s, an entrance and an API that nobody uses among them: every press reaches a phone, others' within ${OTHERS_LIMIT_MS / 1000} s; the record replayed is the same`,
  soakSize: 20,
  async run(options) {
    const place = await preparePlatform()
    try {
      return await freezeAgainAndAgain(place, options)
    } finally {
      await place.destroy()
    }
  },
}

async function freezeAgainAndAgain(place: PlatformUnderTrial, options: TrialOptions): Promise<TrialResult> {
  const random = seededRandom(options.seed)
  await prepareForRoles(place)
  const entrance = await startRoles(place, ['ingest', 'api'])
  const pairs = await Promise.all(
    FROZEN_ROLES.map((role) => Promise.all([startBeside(place, role), startBeside(place, role)])),
  )
  const phones = followPhones(place.phones.url)
  const demo = { ...place.demo(), mqtt: `mqtt://127.0.0.1:${entrance.mqttPort}` }
  const pressing = startPressing(demo, phones, options.seed)
  const faults: string[] = []
  let slowestOthersMs = 0
  for (let round = 1; round <= options.size; round++) {
    await sleep(between(random, BETWEEN_MS.least, BETWEEN_MS.most))
    const frozen = pairs.map((pair) => pair[random() < 0.5 ? 0 : 1])
    const othersMs = await freeze(frozen, pressing)
    slowestOthersMs = Math.max(slowestOthersMs, othersMs)
    if (othersMs > OTHERS_LIMIT_MS) faults.push(`round ${round}: a press took ${Math.round(othersMs)} ms`)
    options.onProgress(`${round} of ${options.size} freezes, ${pressing.rang()} presses rang`)
  }
  const { doubledMessages, incidents, homes, ...counts } = await pressing.settle(SETTLE_MS)
  const counted = await Promise.all(
    pairs.flat().map((process) => metric(process.http, 'anlin_outbox_duplicates_total')),
  )
  await phones.close()
  // No row folded twice, no state gone back: the record would tell.
  const unlike = await replayRecord(place.folder)
  if (unlike !== null) faults.push(unlike)
  const codes = await Promise.all([entrance, ...pairs.flat()].map((process) => process.end()))
  if (codes.some((code) => code !== 0)) faults.push(`exit codes ${codes.join(' ')}`)
  const countedDuplicates = counted.reduce((sum, count) => sum + count, 0)
  if (counts.lost > 0) faults.push(`${counts.lost} acknowledged presses reached no phone`)
  if (counts.doubled > 0) faults.push(`${counts.doubled} incidents more than presses`)
  if (doubledMessages > countedDuplicates)
    faults.push(`${doubledMessages} messages came twice, ${countedDuplicates} counted`)
  const figures = { freezes: options.size, homes, incidents, doubledMessages, countedDuplicates, slowestOthersMs }
  return { ...counts, figures, faults }
}

async function startBeside(place: PlatformUnderTrial, role: string): Promise<RoleProcess> {
  return startRoles(place, [role], { HTTP_PORT: String(await freePort()) })
}

/**
 * Freezes and continues. A press that was under way may be held by a frozen one until its claim runs out; answers how
 * long at most the presses took that began after.
 */
async function freeze(frozen: RoleProcess[], pressing: Pressing): Promise<number> {
  for (const { pid } of frozen) process.kill(pid, 'SIGSTOP')
  const frozenAt = performance.now()
  await sleep(FROZEN_MS)
  const othersMs = pressing.slowest(({ beganAt }) => beganAt >= frozenAt)
  for (const { pid } of frozen) process.kill(pid, 'SIGCONT')
  return othersMs
}
