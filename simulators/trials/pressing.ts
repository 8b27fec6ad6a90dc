import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { between, seededRandom, seedFor } from '../homes/seeded.ts'
import { type Button, connectButton } from './button.ts'
import { countPresses } from './counting.ts'
import { incidentsOf, type Operator, signIn } from './operator.ts'
import type { Phones } from './phones.ts'
import type { DemoFile } from './platform-process.ts'
import type { Counts } from './trial.ts'

/** Between one incident's end and the next press of the home. */
const REST_MS = { least: 50, most: 110 }
/** Pressed in turn, each in a room of its own, which stands in the message: so a press is known by its incident and alarm. */
const BUTTONS_PER_HOME = 4

export type HomeSaid = {
  homeId: string
  presses: Press[]
  /** The ids of what was acknowledged, presses and cancels. */
  acknowledged: string[]
  attempted: number
}

export type Pressing = {
  /** Alarms that have been seen on the phones so far. */
  rang(): number
  /** What each home has said so far; copies, so that they stay as they were at this moment. */
  said(): HomeSaid[]
  presses(): readonly Press[]
  /** The longest from press to ringing of those that count, in ms; still waiting counts up to now. */
  slowest(counts: (press: Press) => boolean): number
  /** How often buttons had to send something once more, because nobody had answered. */
  saidAgain(): number
  /** Every second button finds its way to the platform anew, as devices do now and then. */
  reconnectSome(): Promise<void>
  /**
   * No further press; those that are out have so long until their phone has to have rung. Then the platform is asked
   * which incidents it has.
   */
  settle(withinMs: number): Promise<Counts & { doubledMessages: number; incidents: number; homes: number }>
}

/** Times are monotonic, in ms, but `atMs`, which is the button's own. Null while it is waited for. */
export type Press = {
  id: string
  button: string
  atMs: number
  beganAt: number
  acknowledgedAt: number | null
  rangAt: number | null
}
type RoomButton = Button & { id: string; room: string }
type Home = { id: string; phone: string; buttons: RoomButton[]; presses: Press[]; acknowledged: string[]; rang: number }

/**
 * One person per home who presses, waits until the family's phone shows it, cancels, and presses again. So every press
 * is an incident of its own, whose first message has a link of its own.
 */
export async function startPressing(demo: DemoFile, phones: Phones, seed: number): Promise<Pressing> {
  const [stopping, givingUp] = [new AbortController(), new AbortController()]
  const placing = await signIn(demo)
  const homes = await Promise.all(demo.homes.map((home) => furnish(home, demo.mqtt, placing)))
  const signals = { stopping: stopping.signal, givingUp: givingUp.signal }
  const persons = Promise.all(
    homes.map((home) => {
      const random = seededRandom(seedFor(seed, home.id))
      return pressAgainAndAgain(home, phones, signals, () => between(random, REST_MS.least, REST_MS.most))
    }),
  )
  const sum = (figure: (home: Home) => number) => homes.reduce((total, home) => total + figure(home), 0)
  const buttons = () => homes.flatMap((home) => home.buttons)
  return {
    rang: () => sum((home) => home.rang),
    said: () => homes.map(saidBy),
    presses: () => homes.flatMap((home) => home.presses),
    slowest: (counts) => slowestOf(homes.flatMap((home) => home.presses.filter(counts))),
    saidAgain: () => buttons().reduce((total, button) => total + button.saidAgain(), 0),
    async reconnectSome() {
      for (const button of buttons().filter((_, at) => at % 2 === 0)) await button.reconnect()
    },
    async settle(withinMs) {
      stopping.abort()
      const timer = setTimeout(() => givingUp.abort(), withinMs)
      await Promise.race([persons, sleep(withinMs + 1_000, undefined, { ref: false })])
      clearTimeout(timer)
      await Promise.all(buttons().map((button) => button.close()))
      const operator = await signIn(demo)
      const counted = await Promise.all(homes.map((home) => countHome(home, phones, operator)))
      const total = (name: keyof (typeof counted)[number]) => counted.reduce((all, home) => all + home[name], 0)
      return {
        attempted: sum((home) => home.presses.length),
        acknowledged: sum((home) => home.presses.filter(({ acknowledgedAt }) => acknowledgedAt !== null).length),
        lost: total('lost'),
        doubled: total('doubled'),
        doubledMessages: total('again'),
        incidents: total('incidents'),
        homes: homes.length,
      }
    },
  }
}

/** Hangs the trial's buttons into a home, and connects them. */
async function furnish({ id, contacts }: DemoFile['homes'][number], mqtt: string, operator: Operator): Promise<Home> {
  const phone = contacts.find(({ role }) => role === 'family-keyholder')?.phone
  if (!phone) throw new Error(`home ${id} has no keyholder`)
  const buttons: RoomButton[] = []
  for (let number = 1; number <= BUTTONS_PER_HOME; number++) {
    const [deviceId, room] = [`trial-button-${number}`, `房间${number}`]
    const login = await operator.place(id, { id: deviceId, kind: 'sos-button', room })
    buttons.push({ ...connectButton(mqtt, id, { id: deviceId, ...login }), id: deviceId, room })
  }
  return { id, phone, buttons, presses: [], acknowledged: [], rang: 0 }
}

async function pressAgainAndAgain(
  home: Home,
  phones: Phones,
  { stopping, givingUp }: { stopping: AbortSignal; givingUp: AbortSignal },
  pauseMs: () => number,
): Promise<void> {
  const { buttons, phone, presses } = home
  for (let turn = 0; !stopping.aborted; turn++) {
    const button = buttons[turn % buttons.length]
    if (!button) return
    const press: Press = { id: randomUUID(), ...begin(), button: button.id, acknowledgedAt: null, rangAt: null }
    presses.push(press)
    await button.say('pressed', press.id)
    press.acknowledgedAt = performance.now()
    home.acknowledged.push(press.id)
    const rings = () => phones.alarms(phone).some(({ room, atMs }) => room === button.room && atMs >= press.atMs)
    if (!(await phones.until(rings, givingUp))) return
    press.rangAt = performance.now()
    home.rang += 1
    const cancel = randomUUID()
    await button.say('cancelled', cancel)
    home.acknowledged.push(cancel)
    await sleep(pauseMs())
  }
}

function begin(): { atMs: number; beganAt: number } {
  return { atMs: Date.now(), beganAt: performance.now() }
}

function saidBy({ id, presses, acknowledged, rang }: Home): HomeSaid {
  // A cancel follows each press that rang.
  const attempted = presses.length + rang
  return { homeId: id, attempted, presses: presses.map((press) => ({ ...press })), acknowledged: [...acknowledged] }
}

async function countHome({ id, phone, buttons, presses }: Home, phones: Phones, operator: Operator) {
  const incidents = await incidentsOf(operator, id)
  const alarms = phones.alarms(phone)
  const buttonIn = (room: string) => buttons.find((button) => button.room === room)?.id ?? ''
  const rang = alarms.map(({ room, atMs }) => ({ button: buttonIn(room), atMs }))
  const again = alarms.reduce((extra, { count }) => extra + count - 1, 0)
  return { ...countPresses(presses, incidents, rang), incidents: incidents.length, again }
}

function slowestOf(presses: Press[]): number {
  return presses.reduce((most, { beganAt, rangAt }) => Math.max(most, (rangAt ?? performance.now()) - beganAt), 0)
}
