import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { between, seededRandom, seedFor } from '../homes/seeded.ts'
import { type Button, connectButton } from './button.ts'
import { signIn } from './operator.ts'
import type { Phones } from './phones.ts'
import type { DemoFile } from './platform-process.ts'
import type { Counts } from './trial.ts'

/** Between one incident's end and the next press of the home. */
const REST_MS = { least: 0, most: 60 }

type HomeSaid = {
  homeId: string
  attempted: number
  presses: number
  acknowledged: string[]
  acknowledgedPresses: number
}

export type Pressing = {
  /** Alarms that have been seen on the phones so far. */
  rang(): number
  /** What each home has said so far, presses and cancels, and the ids of what was acknowledged of it. */
  said(): HomeSaid[]
  /** The longest from press to ringing of those that count, in ms; still waiting counts up to now. */
  slowest(counts: (press: Press) => boolean): number
  /**
   * No further press; those that are out have so long until their phone has to have rung. Then the platform is asked
   * how many incidents it has.
   */
  settle(withinMs: number): Promise<Counts & { doubledMessages: number; incidents: number; homes: number }>
}

/** Times are monotonic, in ms. `rangAt`: null while it waits. */
type Press = { id: string; beganAt: number; rangAt: number | null }
type Home = { id: string; phone: string; button: Button; presses: Press[]; acknowledged: string[]; rang: number }

/**
 * One person per home who presses, waits until the family's phone shows it, cancels, and presses again. So every press
 * is an incident of its own, whose first message has a link of its own: presses, incidents and alarms count the same.
 */
export function startPressing(demo: DemoFile, phones: Phones, seed: number): Pressing {
  const stopping = new AbortController()
  const givingUp = new AbortController()
  const homes: Home[] = demo.homes.map(({ id, contacts, devices }) => {
    const phone = contacts.find(({ role }) => role === 'family-keyholder')?.phone
    const device = devices.find(({ kind }) => kind === 'sos-button')
    if (!phone || !device) throw new Error(`home ${id} has no keyholder or no button`)
    return { id, phone, button: connectButton(demo.mqtt, id, device), presses: [], acknowledged: [], rang: 0 }
  })

  async function pressAgainAndAgain(home: Home, pauseMs: () => number): Promise<void> {
    const { button, phone, presses } = home
    while (!stopping.signal.aborted) {
      const press: Press = { id: randomUUID(), beganAt: performance.now(), rangAt: null }
      presses.push(press)
      await button.say('pressed', press.id)
      home.acknowledged.push(press.id)
      if (!(await phones.until(() => phones.alarms(phone).size >= presses.length, givingUp.signal))) return
      press.rangAt = performance.now()
      home.rang += 1
      const cancel = randomUUID()
      await button.say('cancelled', cancel)
      home.acknowledged.push(cancel)
      await sleep(pauseMs())
    }
  }

  const persons = Promise.all(
    homes.map((home) => {
      const random = seededRandom(seedFor(seed, home.id))
      return pressAgainAndAgain(home, () => between(random, REST_MS.least, REST_MS.most))
    }),
  )
  const sum = (figure: (home: Home) => number) => homes.reduce((total, home) => total + figure(home), 0)
  return {
    rang: () => sum((home) => home.rang),
    said: () =>
      homes.map(({ id, presses, acknowledged, rang }) => ({
        homeId: id,
        presses: presses.length,
        // A cancel follows each press that rang.
        attempted: presses.length + rang,
        acknowledged: [...acknowledged],
        acknowledgedPresses: presses.filter((press) => acknowledged.includes(press.id)).length,
      })),
    slowest: (counts) => slowestOf(homes.flatMap((home) => home.presses.filter(counts))),
    async settle(withinMs) {
      stopping.abort()
      const timer = setTimeout(() => givingUp.abort(), withinMs)
      await Promise.race([persons, sleep(withinMs + 1_000, undefined, { ref: false })])
      clearTimeout(timer)
      await Promise.all(homes.map((home) => home.button.close()))
      const acknowledged = (home: Home) => home.presses.filter(({ id }) => home.acknowledged.includes(id)).length
      const messages = (home: Home) => [...phones.alarms(home.phone).values()]
      const operator = await signIn(demo)
      const incidents = await Promise.all(homes.map(async ({ id }) => (await operator.incidents(id)).length))
      return {
        attempted: sum((home) => home.presses.length),
        acknowledged: sum(acknowledged),
        lost: sum((home) => acknowledged(home) - home.rang),
        doubled: sum((home) => Math.max(0, (incidents[homes.indexOf(home)] ?? 0) - home.presses.length)),
        doubledMessages: sum((home) => messages(home).reduce((extra, count) => extra + count - 1, 0)),
        incidents: incidents.reduce((total, count) => total + count, 0),
        homes: homes.length,
      }
    },
  }
}

function slowestOf(presses: Press[]): number {
  return presses.reduce((most, { beganAt, rangAt }) => Math.max(most, (rangAt ?? performance.now()) - beganAt), 0)
}
