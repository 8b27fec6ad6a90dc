import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decoder } from '../devices/index.ts'
import type { DeviceKind, PlacedDevice } from '../devices/observation.ts'
import { bedOccupied } from '../simulators/homes/resident.ts'
import { ordinaryBeat } from '../simulators/homes/rhythm.ts'
import { seededRandom } from '../simulators/homes/seeded.ts'
import { SCENARIOS, scenarioNamed } from '../simulators/scenarios/index.ts'
import type { Scenario } from '../simulators/scenarios/scenario.ts'
import { timetable } from '../simulators/scenarios/timetable.ts'
import { foldIncident } from './core/incident/fold.ts'
import type { Incident } from './core/incident/incident.ts'
import { factsOfHome } from './core/incident/story.ts'
import { factsOf, inShort, type Leaf, placed, tellStory } from './core/rules/home-story.ts'
import type { Signal } from './core/signal.ts'
import { DEMO_DEVICES } from './demo.ts'

/** What each scenario says it brings is what the rules make of it, in a home of the demo and on the scenario's own clock. */

const HOME = 'home-001'
const CALM_BEFORE_MS = 5 * 60_000
/** Enough for what was held to be missed, had it not come back. */
const CALM_AFTER_MS = 10 * 60_000
const PLAYS = 15

/** `incidents`: those of which somebody may have to be told; a test press is on the record alone. */
const BRINGS: Record<string, { signals: string[]; incidents: string[] }> = {
  sos: { signals: ['raised critical sos sos-pressed'], incidents: ['critical sos'] },
  smoke: { signals: ['raised critical smoke smoke-alarm', 'returned smoke'], incidents: ['critical smoke'] },
  'gas-leak': {
    signals: ['raised critical gas gas-alarm', 'raised critical gas gas-high', 'returned gas'],
    incidents: ['critical gas'],
  },
  'bad-night': {
    signals: ['raised warning bed-exit bed-left', 'raised critical bed-exit bed-left'],
    incidents: ['critical bed-exit'],
  },
  'gateway-lost': {
    signals: ['raised technical technical gateway:lost gateway-lost', 'returned technical gateway:lost'],
    incidents: ['technical technical gateway:lost'],
  },
  day: { signals: [], incidents: [] },
}

type Said = { atMs: number; deviceId: string; leaf: Leaf; body: object }
type Play = { scenario: Scenario; seed: number; speed: number; beginMs: number }
type Stretch = { fromMs: number; untilMs: number }

const DEVICES = DEMO_DEVICES.map(({ deviceId, kind, room, gatewayId }) => placed(deviceId, kind, { room, gatewayId }))

/** What the home says besides the scenario, as simulators/homes has it: nothing of what is held meanwhile. */
function ordinaryLife({ scenario, seed }: Play, whole: Stretch, held: Stretch): Said[] {
  const random = seededRandom(seed)
  const kinds = new Set(scenario.build(seed, 0).map(({ kind }) => kind))
  const isHeld = (kind: string, atMs: number) =>
    (scenario.holds === 'all' || (scenario.holds === 'played' && kinds.has(kind))) &&
    atMs >= held.fromMs &&
    atMs < held.untilMs
  return DEVICES.flatMap(({ deviceId, kind }) => {
    const said: Said[] = []
    const say = (atMs: number, leaf: Leaf, body: object | null) => {
      if (body) said.push({ atMs, deviceId, leaf, body: leaf === 'status' ? body : stamped(body, atMs, said.length) })
    }
    say(whole.fromMs, 'status', { state: 'online' })
    for (let atMs = whole.fromMs; atMs < whole.untilMs; ) {
      const occupied = bedOccupied(seed, HOME, atMs)
      const { nextMs, status, telemetry, event } = ordinaryBeat(kind, { occupied, batteryPercent: 80, random })
      if (!isHeld(kind, atMs)) {
        say(atMs, 'status', status)
        say(atMs, 'telemetry', telemetry)
        say(atMs, 'event', event)
      }
      atMs += nextMs
    }
    if (scenario.holds === 'all') {
      say(held.fromMs, 'status', { state: 'offline' })
      say(held.untilMs, 'status', { state: 'online' })
    }
    return said
  })
}

function stamped(body: object, atMs: number, number: number): object {
  return { id: `life-${number}`, at: new Date(atMs).toISOString(), ...body }
}

/** What the home hears of the scenario, with the last will of what is cut off. */
function played({ scenario, seed, speed, beginMs }: Play, own: PlacedDevice[]): Said[] {
  return timetable(scenario, seed, speed, beginMs).map(({ step, sendAtMs, saysAtMs }, index) => {
    const { deviceId } = [...own, ...DEVICES].find(({ kind }) => kind === step.kind) ?? expect.unreachable()
    if (step.does === 'cut') return { atMs: sendAtMs, deviceId, leaf: 'status', body: { state: 'offline' } }
    const stamp = { id: `scenario-${index}`, at: new Date(saysAtMs).toISOString() }
    return {
      atMs: sendAtMs,
      deviceId,
      leaf: step.does,
      body: step.does === 'status' ? step.body : { ...stamp, ...step.body },
    }
  })
}

/** What the rules signalled from some minutes before the scenario to some minutes after it. */
function signalsOf(play: Play): Signal[] {
  const { scenario, speed, beginMs } = play
  const isHurried = speed !== 1
  const own = scenario.ownDevice !== null && isHurried ? [placed('own', scenario.ownDevice as DeviceKind)] : []
  const said = played(play, own)
  const held = { fromMs: beginMs - 1, untilMs: (said.at(-1)?.atMs ?? beginMs) + 1 }
  const whole = { fromMs: beginMs - CALM_BEFORE_MS, untilMs: held.untilMs + CALM_AFTER_MS }
  const all = [...ordinaryLife(play, whole, held), ...said].toSorted((a, b) => a.atMs - b.atMs)
  const story = tellStory(decoder, factsOf(DEVICES), whole.fromMs)
  const signals: Signal[] = []
  for (const { atMs, deviceId, leaf, body } of all) {
    const retired = atMs >= held.untilMs
    if (atMs >= held.fromMs) story.facts = factsOf([...DEVICES, ...own.map((device) => ({ ...device, retired }))])
    signals.push(...story.passes(atMs - story.now), ...story.says(deviceId, leaf, body))
  }
  return [...signals, ...story.passes(whole.untilMs - story.now)]
}

/** The incidents that come of it while nobody answers, each with how bad it became. */
function incidentsOf(signals: Signal[]): string[] {
  const incidents: Incident[] = []
  signals.forEach((signal, index) => {
    const known = incidents.findIndex(({ kind, subject }) => kind === signal.kind && subject === signal.subject)
    const input = { inputId: String(index), type: 'SignalReceived', signal } as const
    const { incident } = foldIncident(incidents[known] ?? null, input, factsOfHome(), signal.receivedAt)
    if (incident) incidents.splice(known < 0 ? incidents.length : known, 1, incident)
  })
  return incidents
    .filter(({ outcome, told }) => outcome !== 'test' || told.length > 0)
    .map(({ severity, kind, subject }) => `${severity} ${kind} ${subject}`.trim())
}

function expectWhatItBrings(play: Play): void {
  const signals = signalsOf(play)
  const { name } = play.scenario
  const told = signals.filter((signal) => signal.type !== 'ConditionRaised' || !signal.test)
  expect(told.map(inShort), `${name} at ${new Date(play.beginMs).toISOString()}`).toEqual(BRINGS[name]?.signals)
  expect(incidentsOf(signals)).toEqual(BRINGS[name]?.incidents)
}

const anySeed = fc.integer({ min: 1, max: 1_000_000 })

test.each(SCENARIOS)(
  '$name brings the incidents that it promises, and no others, whenever it is played',
  (scenario) => {
    const anyTime = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2028, 0, 1) })
    const speed = scenario.canHurry ? scenario.defaultSpeed : 1
    const property = fc.property(anyTime, anySeed, (beginMs, seed) => {
      expectWhatItBrings({ scenario, seed, speed, beginMs })
    })
    fc.assert(property, { numRuns: PLAYS })
  },
)

test('a bad night at its own pace, and at night, is the same until the resident is back in bed', () => {
  const scenario = scenarioNamed('bad-night') ?? expect.unreachable()
  const midnight = Date.parse('2026-11-23T00:00:00+08:00')
  const property = fc.property(fc.integer({ min: 0, max: 5 * 60 }), anySeed, (minute, seed) => {
    const signals = signalsOf({ scenario, seed, speed: 1, beginMs: midnight + minute * 60_000 })
    expect(signals.map(inShort)).toEqual([...(BRINGS['bad-night']?.signals ?? []), 'returned bed-exit'])
  })
  fc.assert(property, { numRuns: PLAYS })
})
