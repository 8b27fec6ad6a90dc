import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { between, seededRandom } from '../homes/seeded.ts'
import { type Came, countPresses } from './counting.ts'
import { incidentsOf, signIn } from './operator.ts'
import { followPhones } from './phones.ts'
import { type PlatformUnderTrial, preparePlatform } from './platform-process.ts'
import { type HomeSaid, type Pressing, startPressing } from './pressing.ts'
import { seen } from './seen.ts'
import type { Trial, TrialOptions, TrialResult } from './trial.ts'

const BEFORE_MS = { least: 1_000, most: 2_500 }
/** What stood in the log and was not folded yet is folded by the recovered platform within this. */
const FOLD_WITHIN_MS = 15_000
/** A machine that is too slow for it in that time waits until so much is acknowledged for each copy. */
const ACKNOWLEDGED_PER_COPY = 10
const ACKNOWLEDGED_WITHIN_MS = 60_000
const LOOK_EVERY_MS = 200
const SETTLE_MS = 30_000
/** The logins are made anew at the next start; the keys are what opens the people's numbers. */
const KEPT = ['postgres', 'postgres.password', 'keys.json']

/**
 * `size` copies of the data folder under load, each recovered by a second platform. While it is copied, every process
 * of the database is frozen, so the copy is what the system held in one instant: what a snapshot of the disk shows, or a
 * machine whose programs all died at once. It does not show a disk that loses what it was told to keep.
 */
export const powerCutTrial: Trial = {
  name: 'power-cut',
  holds:
    'the data folder copied at one instant under load: a platform on the copy has every acknowledged message and its incident',
  soakSize: 30,
  async run(options) {
    const place = await preparePlatform()
    try {
      return await copyAgainAndAgain(place, options)
    } finally {
      await place.destroy()
    }
  },
}

async function copyAgainAndAgain(place: PlatformUnderTrial, options: TrialOptions): Promise<TrialResult> {
  const { seed, size, onProgress } = options
  const random = seededRandom(seed)
  const platform = await place.start()
  const phones = followPhones(place.phones.url)
  const pressing = await startPressing(place.demo(), phones, seed)
  const figures = { copies: size, incidents: 0, slowestRecoveryMs: 0 }
  const result: TrialResult = { attempted: 0, acknowledged: 0, lost: 0, doubled: 0, figures, faults: [] }
  for (let copy = 1; copy <= size; copy++) {
    await sleep(between(random, BEFORE_MS.least, BEFORE_MS.most))
    const isEnough = () => acknowledgedOf(pressing) >= copy * ACKNOWLEDGED_PER_COPY
    if (!(await seen(isEnough, ACKNOWLEDGED_WITHIN_MS)))
      result.faults.push(`copy ${copy}: too little was acknowledged before it`)
    const { folder, said } = copyInOneInstant(place, pressing)
    const found = await recover(folder, said)
    for (const name of ['attempted', 'acknowledged', 'lost', 'doubled'] as const) result[name] += found[name]
    figures.incidents += found.incidents
    figures.slowestRecoveryMs = Math.max(figures.slowestRecoveryMs, found.recoveryMs)
    if (found.lost > 0) result.faults.push(`copy ${copy}: ${found.lost} acknowledged messages are not there`)
    if (found.without > 0) result.faults.push(`copy ${copy}: ${found.without} acknowledged presses have no incident`)
    if (found.doubled > 0) result.faults.push(`copy ${copy}: ${found.doubled} incidents more than one a press`)
    onProgress(`${copy} of ${size} copies recovered`)
  }
  const { lost } = await pressing.settle(SETTLE_MS)
  if (lost > 0) result.faults.push(`${lost} presses reached no phone of the platform that was copied`)
  await phones.close()
  await platform.end()
  return result
}

function acknowledgedOf(pressing: Pressing): number {
  return total(pressing.said().map(({ acknowledged }) => acknowledged.length))
}

type Said = HomeSaid[]

/** Nothing is acknowledged while the database stands still, so what is acknowledged at its end has to be in the copy. */
function copyInOneInstant(place: PlatformUnderTrial, pressing: Pressing): { folder: string; said: Said } {
  const postmaster = place.postmasterPid()
  if (postmaster === null) throw new Error('no database is running')
  const folder = mkdtempSync(join(tmpdir(), 'anlin-copy-'))
  const frozen = [postmaster]
  process.kill(postmaster, 'SIGSTOP')
  try {
    // The postmaster first: it starts no others from now on.
    for (const pid of childrenOf(postmaster)) {
      process.kill(pid, 'SIGSTOP')
      frozen.push(pid)
    }
    const sources = KEPT.map((name) => join(place.folder, name)).filter((path) => existsSync(path))
    execFileSync('cp', ['-a', ...sources, folder])
    return { folder, said: pressing.said() }
  } finally {
    for (const pid of frozen.reverse()) process.kill(pid, 'SIGCONT')
    // After a power cut no process has this id; here the original still runs, and the copy would wait for it.
    rmSync(join(folder, 'postgres', 'postmaster.pid'), { force: true })
  }
}

function childrenOf(pid: number): number[] {
  return execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)
    .map(Number)
}

async function recover(folder: string, said: Said) {
  const startedAt = performance.now()
  const second = await preparePlatform({}, folder)
  try {
    const platform = await second.start()
    const recoveryMs = performance.now() - startedAt
    const operator = await signIn(second.demo())
    const opened = () => Promise.all(said.map(({ homeId }) => incidentsOf(operator, homeId)))
    // Nobody has a phone here: what its incident shows is all that is asked of a press.
    const judge = (incidents: Came[][]) =>
      said.map(({ presses }, home) => countPresses(presses, incidents[home] ?? [], incidents[home] ?? []))
    const without = (incidents: Came[][]) => total(judge(incidents).map(({ lost }) => lost))
    const deadline = performance.now() + FOLD_WITHIN_MS
    let incidents = await opened()
    while (without(incidents) > 0 && performance.now() < deadline) {
      await sleep(LOOK_EVERY_MS)
      incidents = await opened()
    }
    const stored = await Promise.all(said.map(({ homeId }) => operator.storedIds(homeId)))
    const lost = said.map(({ acknowledged }, home) => acknowledged.filter((id) => !stored[home]?.has(id)).length)
    await platform.end()
    return {
      attempted: said.reduce((sum, home) => sum + home.attempted, 0),
      acknowledged: said.reduce((sum, home) => sum + home.acknowledged.length, 0),
      lost: total(lost),
      doubled: total(judge(incidents).map(({ doubled }) => doubled)),
      incidents: total(incidents.map(({ length }) => length)),
      without: without(incidents),
      recoveryMs,
    }
  } finally {
    await second.destroy()
  }
}

function total(counts: number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
