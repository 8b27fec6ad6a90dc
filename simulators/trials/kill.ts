import { setTimeout as sleep } from 'node:timers/promises'
import { between, seededRandom } from '../homes/seeded.ts'
import { followPhones, type Phones } from './phones.ts'
import { type PlatformUnderTrial, preparePlatform, type RunningPlatform } from './platform-process.ts'
import { type Pressing, startPressing } from './pressing.ts'
import { replayRecord } from './replayed.ts'
import { seen } from './seen.ts'
import type { Trial, TrialOptions, TrialResult } from './trial.ts'

/** A kill comes so long after the last one was got over: while the first presses go out, or in the midst of them. */
const PAUSE_MS = { least: 20, most: 700 }
/** A message that was being sent belongs to its dead sender for 15 s; then it is looked up and sent. */
const SETTLE_MS = 45_000
const UP_AGAIN_MS = 60_000
/** A machine that is too slow for it waits until so many presses have rung for each kill. */
const RINGS_PER_KILL = 4
const VICTIMS = ['platform', 'postmaster', 'both'] as const

/** `size` kills, of the platform, of its postmaster, of both, while all homes press. */
export const killTrial: Trial = {
  name: 'kill',
  holds:
    'kill -9 of the platform, the postmaster or both: every acknowledged press has one incident, rang a phone, and is the same replayed',
  soakSize: 300,
  async run(options) {
    const place = await preparePlatform()
    try {
      return await killAgainAndAgain(place, options)
    } finally {
      await place.destroy()
    }
  },
}

async function killAgainAndAgain(place: PlatformUnderTrial, options: TrialOptions): Promise<TrialResult> {
  const { seed, size, onProgress } = options
  const random = seededRandom(seed)
  let platform = await place.start()
  const phones = followPhones(place.phones.url)
  const pressing = await startPressing(place.demo(), phones, seed)
  const figures: Record<string, number> = { platform: 0, postmaster: 0, both: 0 }
  const faults: string[] = []
  let slowestMs = 0
  for (let kill = 1; kill <= size; kill++) {
    await sleep(between(random, PAUSE_MS.least, PAUSE_MS.most))
    const victim = VICTIMS[(kill - 1) % VICTIMS.length] ?? 'both'
    const startedAt = performance.now()
    const rangBefore = pressing.rang()
    platform = await killOnce(place, platform, victim)
    figures[victim] = (figures[victim] ?? 0) + 1
    // Got over when a press that came after it has rung.
    if (!(await phones.until(() => pressing.rang() > rangBefore, AbortSignal.timeout(UP_AGAIN_MS)))) {
      faults.push(`kill ${kill} (${victim}): no phone rang within ${UP_AGAIN_MS / 1000} s\n${platform.output()}`)
      break
    }
    slowestMs = Math.max(slowestMs, performance.now() - startedAt)
    const isEnough = () => pressing.rang() >= kill * RINGS_PER_KILL
    if (!(await phones.until(isEnough, AbortSignal.timeout(UP_AGAIN_MS))))
      faults.push(`kill ${kill}: too few presses rang`)
    if (kill % 10 === 0) onProgress(`${kill} of ${size} kills, ${pressing.rang()} presses rang`)
  }
  // A platform that is gone cannot be asked what it has: its own words are the finding.
  if (faults.length > 0) return await giveUp(pressing, phones, faults)
  const { doubledMessages, incidents, homes, ...counts } = await pressing.settle(SETTLE_MS)
  await phones.close()
  const unlike = await replayRecord(place.folder)
  if (unlike !== null) faults.push(unlike)
  await platform.end()
  if (counts.lost > 0) faults.push(`${counts.lost} acknowledged presses have no incident or reached no phone`)
  if (counts.doubled > 0) faults.push(`${counts.doubled} incidents more than one a press`)
  return { ...counts, figures: { kills: size, ...figures, homes, incidents, doubledMessages, slowestMs }, faults }
}

async function giveUp(pressing: Pressing, phones: Phones, faults: string[]): Promise<TrialResult> {
  await pressing.settle(0).catch(() => undefined)
  await phones.close()
  return { attempted: 0, acknowledged: 0, lost: 0, doubled: 0, figures: {}, faults }
}

async function killOnce(
  place: PlatformUnderTrial,
  platform: RunningPlatform,
  victim: (typeof VICTIMS)[number],
): Promise<RunningPlatform> {
  if (victim !== 'platform') process.kill(await livingPostmaster(place), 'SIGKILL')
  if (victim === 'postmaster') return platform
  await platform.kill()
  return place.start()
}

/** A press that rang may have been stored before the last kill: the supervisor is still starting the next one then. */
async function livingPostmaster(place: PlatformUnderTrial): Promise<number> {
  await seen(() => place.postmasterPid() !== null, UP_AGAIN_MS)
  const pid = place.postmasterPid()
  if (pid !== null) return pid
  throw new Error(`no database is running ${UP_AGAIN_MS / 1000} s after it was killed`)
}
