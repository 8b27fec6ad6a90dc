import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decoder } from '../devices/index.ts'
import { bedOccupied } from '../simulators/homes/resident.ts'
import { ordinaryBeat } from '../simulators/homes/rhythm.ts'
import { seededRandom } from '../simulators/homes/seeded.ts'
import { SCENARIOS } from '../simulators/scenarios/index.ts'
import type { Scenario } from '../simulators/scenarios/scenario.ts'
import { timetable } from '../simulators/scenarios/timetable.ts'
import { foldIncident } from './core/incident/fold.ts'
import type { Incident } from './core/incident/incident.ts'
import { factsOfHome } from './core/incident/story.ts'
import { factsOf, inShort, type Leaf, placed, tellStory } from './core/rules/home-story.ts'
import type { Signal } from './core/signal.ts'
import { DEVICES } from './demo.ts'

/** What each scenario says it brings is what the rules make of it, in a demo home, on its own clock. */

const HOME = 'home-001'
const CALM_BEFORE_MS = 5 * 60_000
/** Enough for what was held to be missed, had it not come back. */
const CALM_AFTER_MS = 10 * 60_000
const PLAYS = 15

type Said = { atMs: number; deviceId: string; leaf: Leaf; body: object }
type Stretch = { fromMs: number; untilMs: number }

const home = factsOf(
  DEVICES.map(({ deviceId, kind, room, gateway }) =>
    placed(deviceId, kind, { room, gatewayId: gateway ? 'gateway' : null }),
  ),
)

/** What the home says besides the scenario, as simulators/homes has it: nothing of what is held meanwhile. */
function ordinaryLife({ holds }: Scenario, kinds: Set<string>, seed: number, whole: Stretch, held: Stretch): Said[] {
  const random = seededRandom(seed)
  const isHeld = (kind: string, atMs: number) =>
    (holds === 'all' || (holds === 'played' && kinds.has(kind))) && atMs >= held.fromMs && atMs < held.untilMs
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
    if (holds === 'all') {
      say(held.fromMs, 'status', { state: 'offline' })
      say(held.untilMs, 'status', { state: 'online' })
    }
    return said
  })
}

function stamped(body: object, atMs: number, number: number): object {
  return { id: `life-${number}`, at: new Date(atMs).toISOString(), ...body }
}

/** Each message that the home hears of the scenario, and the last will of what is cut off. */
function played(scenario: Scenario, seed: number, beginMs: number): Said[] {
  const speed = scenario.canHurry ? scenario.defaultSpeed : 1
  return timetable(scenario, seed, speed, beginMs).map(({ step, sendAtMs, saysAtMs }, index) => {
    const deviceId = DEVICES.find(({ kind }) => kind === step.kind)?.deviceId ?? expect.unreachable()
    if (step.does === 'cut') return { atMs: sendAtMs, deviceId, leaf: 'status', body: { state: 'offline' } }
    const body =
      step.does === 'status'
        ? step.body
        : { id: `scenario-${index}`, at: new Date(saysAtMs).toISOString(), ...step.body }
    return { atMs: sendAtMs, deviceId, leaf: step.does, body }
  })
}

/** What the rules signalled from some minutes before the scenario to some minutes after it. */
function signalsOf(scenario: Scenario, seed: number, beginMs: number): Signal[] {
  const said = played(scenario, seed, beginMs)
  const kinds = new Set(scenario.build(seed, 0).map(({ kind }) => kind))
  const held = { fromMs: beginMs - 1, untilMs: (said.at(-1)?.atMs ?? beginMs) + 1 }
  const whole = { fromMs: beginMs - CALM_BEFORE_MS, untilMs: held.untilMs + CALM_AFTER_MS }
  const all = [...ordinaryLife(scenario, kinds, seed, whole, held), ...said].toSorted((a, b) => a.atMs - b.atMs)
  const story = tellStory(decoder, home, whole.fromMs)
  const signals = all.flatMap(({ atMs, deviceId, leaf, body }) => [
    ...story.passes(atMs - story.now),
    ...story.says(deviceId, leaf, body),
  ])
  return [...signals, ...story.passes(whole.untilMs - story.now)]
}

/** The incidents that come of it while nobody answers, each with how bad it became. */
function incidentsOf(signals: Signal[]): string[] {
  const incidents: Incident[] = []
  signals.forEach((signal, index) => {
    const { kind, subject, receivedAt } = signal
    const known = incidents.findIndex((one) => one.kind === kind && one.subject === subject)
    const input = { inputId: String(index), type: 'SignalReceived', signal } as const
    const { incident } = foldIncident(incidents[known] ?? null, input, factsOfHome(), receivedAt)
    if (incident) incidents.splice(known < 0 ? incidents.length : known, 1, incident)
  })
  return incidents.map(({ severity, kind, subject }) => `${severity} ${kind} ${subject}`.trim())
}

const BRINGS: Record<string, { signals: string[]; incidents: string[] }> = {
  sos: { signals: ['raised critical sos sos-pressed'], incidents: ['critical sos'] },
  smoke: { signals: ['raised critical smoke smoke-alarm', 'returned smoke'], incidents: ['critical smoke'] },
  'gas-leak': { signals: [], incidents: ['critical gas'] },
  'bad-night': {
    signals: ['raised warning bed-exit bed-left', 'raised critical bed-exit bed-left'],
    incidents: ['critical bed-exit'],
  },
  'gateway-lost': { signals: [], incidents: ['technical technical gateway:lost'] },
  day: { signals: [], incidents: [] },
}

const anyTime = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2028, 0, 1) })

describe.each(SCENARIOS)('$name', (scenario) => {
  test('brings the incidents that it promises, and no others, whenever it is played', () => {
    fc.assert(
      fc.property(anyTime, fc.integer({ min: 1, max: 1_000_000 }), (beginMs, seed) => {
        const signals = signalsOf(scenario, seed, beginMs)
        console.log(scenario.name, signals.map(inShort))
        expect(incidentsOf(signals)).toEqual(BRINGS[scenario.name]?.incidents)
      }),
      { numRuns: PLAYS },
    )
  })
})
