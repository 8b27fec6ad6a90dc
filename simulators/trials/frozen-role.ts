import { setTimeout as sleep } from 'node:timers/promises'
import { between, seededRandom } from '../homes/seeded.ts'
import { startBalancer } from './balancer.ts'
import { metric, type Operator, signIn } from './operator.ts'
import { followPhones } from './phones.ts'
import { prepareForRoles, type RoleProcess, startRoles } from './place.ts'
import { freePort, type PlatformUnderTrial, preparePlatform } from './platform-process.ts'
import { type Press, type Pressing, startPressing } from './pressing.ts'
import { replayRecord } from './replayed.ts'
import { seen } from './seen.ts'
import type { Trial, TrialOptions, TrialResult } from './trial.ts'

/** Longer than every lock: a message being sent is its sender's for 15 s. */
const FROZEN_MS = 16_500
/** A press of a home that the frozen ones hold nothing of, from its PUBACK to a phone. */
const OTHERS_LIMIT_MS = 5_000
/** The balancer takes an entrance away after two checks that nobody answered; then the button says it to the other one. */
const ACKNOWLEDGED_LIMIT_MS = 10_000
/** So long after the freeze the balancer has to have taken away the API that does not answer. */
const ONE_API_AFTER_MS = 9_000
const ANSWERED_LIMIT_MS = 5_000
/** What the frozen ones held comes after their claim, by a sweep. */
const SETTLE_MS = 30_000
const BETWEEN_MS = { least: 500, most: 1_500 }
/** Of the buttons on each of the two entrances before one is frozen. */
const LEAST_SHARE = 0.25
const SPREAD_WITHIN_MS = 30_000
/** Any: its pages are asked for while one API is frozen. */
const HOME = 'home-001'
const OTHER_ROLES = ['rules', 'escalation', 'notify', 'history'] as const

/**
 * `size` times one of two workers of each role is frozen in whatever it is doing, and continued. Devices and webhooks come by
 * the production file's balancer, so the frozen entrance has a good part of the buttons, in the middle of what they say.
 * Hints go over the same database, so that a frozen one also holds connections of the queue there, in whatever transaction
 * they are.
 */
export const frozenRoleTrial: Trial = {
  name: 'frozen-role',
  holds: `one of two of each role frozen for ${FROZEN_MS / 1000} s, the buttons and the webhooks balanced over both: every acknowledged press has one incident and reaches a phone; who presses meanwhile is acknowledged within ${ACKNOWLEDGED_LIMIT_MS / 1000} s, by the other entrance if need be, and rings within ${OTHERS_LIMIT_MS / 1000} s of that; the pages answer; the record replayed is the same`,
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

type Scene = { ingests: RoleProcess[]; pressing: Pressing; operator: Operator }
type Seen = { othersMs: number; acknowledgedMs: number; answeredMs: number; saidAgain: number }

async function freezeAgainAndAgain(place: PlatformUnderTrial, options: TrialOptions): Promise<TrialResult> {
  const random = seededRandom(options.seed)
  await prepareForRoles(place)
  const pairOf = (role: string) => Promise.all([startBeside(place, role), startBeside(place, role)])
  const [ingests, apis, ...others] = await Promise.all([pairOf('ingest'), pairOf('api'), ...OTHER_ROLES.map(pairOf)])
  const pairs = [ingests, apis, ...others]
  const balancer = await startBalancer(ingests, { port: place.ports.http, processes: apis })
  const phones = followPhones(place.phones.url)
  const demo = { ...place.demo(), mqtt: balancer.mqtt }
  // What is placed before and counted after is no matter of the balancer.
  const pressing = await startPressing({ ...demo, http: apis[0]?.http ?? demo.http }, phones, options.seed)
  const scene: Scene = { ingests, pressing, operator: await signIn(demo) }
  const faults: string[] = []
  const most: Seen = { othersMs: 0, acknowledgedMs: 0, answeredMs: 0, saidAgain: 0 }
  for (let round = 1; round <= options.size; round++) {
    await sleep(between(random, BETWEEN_MS.least, BETWEEN_MS.most))
    if (!(await spread(scene))) faults.push(`round ${round}: the buttons are not spread over both entrances`)
    const found = await freeze(
      pairs.map((pair) => pair[random() < 0.5 ? 0 : 1]).filter((process) => process !== undefined),
      scene,
    )
    faults.push(...faultsOf(found).map((fault) => `round ${round}: ${fault}`))
    for (const name of ['othersMs', 'acknowledgedMs', 'answeredMs'] as const)
      most[name] = Math.max(most[name], found[name])
    most.saidAgain += found.saidAgain
    options.onProgress(`${round} of ${options.size} freezes, ${pressing.rang()} presses rang`)
  }
  // Where no button was in the middle of something, the frozen entrance was not tried.
  if (most.saidAgain === 0) faults.push('nothing had to be said again')
  const { doubledMessages, incidents, homes, ...counts } = await pressing.settle(SETTLE_MS)
  const all = pairs.flat()
  const counted = await Promise.all(all.map((process) => metric(process.http, 'anlin_outbox_duplicates_total')))
  await phones.close()
  await balancer.end()
  // No row folded twice, no state gone back: the record would tell.
  const unlike = await replayRecord(place.folder)
  if (unlike !== null) faults.push(unlike)
  const codes = await Promise.all(all.map((process) => process.end()))
  if (codes.some((code) => code !== 0)) faults.push(`exit codes ${codes.join(' ')}`)
  const countedDuplicates = counted.reduce((sum, count) => sum + count, 0)
  if (counts.lost > 0) faults.push(`${counts.lost} acknowledged presses have no incident or reached no phone`)
  if (counts.doubled > 0) faults.push(`${counts.doubled} incidents more than one a press`)
  if (doubledMessages > countedDuplicates)
    faults.push(`${doubledMessages} messages came twice, ${countedDuplicates} counted`)
  const slowest = {
    slowestOthersMs: most.othersMs,
    slowestAcknowledgedMs: most.acknowledgedMs,
    slowestAnsweredMs: most.answeredMs,
  }
  const figures = { freezes: options.size, homes, incidents, doubledMessages, countedDuplicates }
  return { ...counts, figures: { ...figures, saidAgain: most.saidAgain, ...slowest }, faults }
}

async function startBeside(place: PlatformUnderTrial, role: string): Promise<RoleProcess> {
  return startRoles(place, [role], { HTTP_PORT: String(await freePort()) })
}

/** Those that the balancer took off a frozen entrance stay where they went; so some connect anew, and go where few are. */
async function spread({ ingests, pressing }: Scene): Promise<boolean> {
  const isSpread = async () => {
    const counts = await Promise.all(ingests.map(({ http }) => metric(http, 'anlin_mqtt_connections')))
    const sum = counts.reduce((total, count) => total + count, 0)
    return sum > 0 && counts.every((count) => count >= sum * LEAST_SHARE)
  }
  return seen(async () => {
    if (await isSpread()) return true
    await pressing.reconnectSome()
    return isSpread()
  }, SPREAD_WITHIN_MS)
}

/** Freezes and continues. A press that was under way may be held by a frozen one until its claim runs out: it is settled later. */
async function freeze(frozen: RoleProcess[], { pressing, operator }: Scene): Promise<Seen> {
  const saidAgainBefore = pressing.saidAgain()
  for (const { pid } of frozen) process.kill(pid, 'SIGSTOP')
  const frozenAt = performance.now()
  await sleep(ONE_API_AFTER_MS)
  const askedAt = performance.now()
  const isAnswered = () =>
    operator.incidents(HOME).then(
      () => true,
      () => false,
    )
  const isHeard = await Promise.race([seen(isAnswered, ANSWERED_LIMIT_MS), sleep(ANSWERED_LIMIT_MS, false)])
  const answeredMs = isHeard ? performance.now() - askedAt : Number.POSITIVE_INFINITY
  await sleep(frozenAt + FROZEN_MS - performance.now())
  const others = pressing.presses().filter(({ beganAt }) => beganAt >= frozenAt)
  const now = performance.now()
  const found = {
    othersMs: greatest(others, ({ acknowledgedAt, rangAt }) =>
      acknowledgedAt === null ? 0 : (rangAt ?? now) - acknowledgedAt,
    ),
    acknowledgedMs: greatest(
      pressing.presses().filter(({ acknowledgedAt }) => (acknowledgedAt ?? now) >= frozenAt),
      ({ beganAt, acknowledgedAt }) => (acknowledgedAt ?? now) - beganAt,
    ),
    answeredMs,
    saidAgain: pressing.saidAgain() - saidAgainBefore,
  }
  for (const { pid } of frozen) process.kill(pid, 'SIGCONT')
  return found
}

function greatest(presses: readonly Press[], figure: (press: Press) => number): number {
  return presses.reduce((most, press) => Math.max(most, figure(press)), 0)
}

function faultsOf({ othersMs, acknowledgedMs, answeredMs }: Seen): string[] {
  const ms = Math.round
  return [
    othersMs > OTHERS_LIMIT_MS ? `a press took ${ms(othersMs)} ms from its PUBACK to a phone` : null,
    acknowledgedMs > ACKNOWLEDGED_LIMIT_MS ? `a press took ${ms(acknowledgedMs)} ms to its PUBACK` : null,
    answeredMs > ANSWERED_LIMIT_MS ? 'the API did not answer' : null,
  ].filter((fault) => fault !== null)
}
