import { setTimeout as sleep } from 'node:timers/promises'
import { between, seededRandom, seedFor } from '../homes/seeded.ts'
import { type Button, connectButton } from './button.ts'
import type { Phones } from './phones.ts'
import type { DemoFile } from './platform-process.ts'
import type { Counts } from './trial.ts'

/** Between one incident's end and the next press of the home. */
const REST_MS = { least: 0, most: 60 }

export type Pressing = {
  /** Alarms that have been seen on the phones so far. */
  rang(): number
  /** No further press; those that are out have so long until their phone has to have rung. */
  settle(withinMs: number): Promise<Counts & { doubledMessages: number; homes: number }>
}

type Home = { id: string; phone: string; button: Button; attempted: number; acknowledged: number; rang: number }

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
    return { id, phone, button: connectButton(demo.mqtt, id, device), attempted: 0, acknowledged: 0, rang: 0 }
  })

  async function press(home: Home, pauseMs: () => number): Promise<void> {
    const { button, phone } = home
    while (!stopping.signal.aborted) {
      home.attempted += 1
      await button.say('pressed')
      home.acknowledged += 1
      if (!(await phones.until(() => phones.alarms(phone).size >= home.acknowledged, givingUp.signal))) return
      home.rang += 1
      await button.say('cancelled')
      await sleep(pauseMs())
    }
  }

  const persons = Promise.all(
    homes.map((home) => {
      const random = seededRandom(seedFor(seed, home.id))
      return press(home, () => between(random, REST_MS.least, REST_MS.most))
    }),
  )
  const sum = (figure: (home: Home) => number) => homes.reduce((total, home) => total + figure(home), 0)
  return {
    rang: () => sum((home) => home.rang),
    async settle(withinMs) {
      stopping.abort()
      const timer = setTimeout(() => givingUp.abort(), withinMs)
      await Promise.race([persons, sleep(withinMs + 1_000, undefined, { ref: false })])
      clearTimeout(timer)
      await Promise.all(homes.map((home) => home.button.close()))
      const messages = (home: Home) => [...phones.alarms(home.phone).values()]
      return {
        attempted: sum((home) => home.attempted),
        acknowledged: sum((home) => home.acknowledged),
        lost: sum((home) => home.acknowledged - home.rang),
        doubled: sum((home) => Math.max(0, messages(home).length - home.attempted)),
        doubledMessages: sum((home) => messages(home).reduce((extra, count) => extra + count - 1, 0)),
        homes: homes.length,
      }
    },
  }
}
