import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decoder } from '../../../devices/index.ts'
import type { RawMessage } from '../../../devices/observation.ts'
import type { Signal } from '../signal.ts'
import { fireTimers, foldMessage } from './home-fold.ts'
import { type Folded, type HomeState, initialHomeState } from './home-state.ts'
import { factsOf, message, NIGHT, placed } from './home-story.ts'

/** Laws that hold whatever devices say, in whatever order, at whatever time. */
const HOME = factsOf([
  placed('gw', 'gateway'),
  placed('sos-bath', 'sos-button', { gatewayId: 'gw' }),
  placed('smoke-hall', 'smoke-detector', { gatewayId: 'gw' }),
  placed('gas-kitchen', 'gas-detector'),
  placed('sleep-bed', 'sleep-monitor'),
  placed('motion-bath', 'motion-sensor', { room: 'bathroom', gatewayId: 'gone' }),
])
const MINUTE = 60_000
const RUNS = { numRuns: 300 }

const deviceId = fc.constantFrom(...HOME.devices.map((device) => device.deviceId), 'nobody', '__proto__')
const event = fc.record(
  {
    kind: fc.constantFrom('sos', 'smoke', 'gas', 'co', 'bed', 'tamper', 'fault', 'motion', 'device', 'battery'),
    state: fc.constantFrom(
      'pressed',
      'cancelled',
      'test',
      'alarm',
      'cleared',
      'occupied',
      'empty',
      'detected',
      'offline',
    ),
    low: fc.boolean(),
  },
  { requiredKeys: ['kind', 'state'] },
)
const telemetry = fc.record(
  {
    bedOccupied: fc.boolean(),
    heartRatePerMin: fc.constantFrom(0, 30, 40, 41, 60, 131, 200),
    respirationPerMin: fc.constantFrom(5, 14, 30),
    signalQuality: fc.constantFrom(0.1, 0.9),
    gasLelPercent: fc.constantFrom(0, 4.9, 5, 7, 10, 60),
    batteryPercent: fc.integer({ min: 0, max: 100 }),
  },
  { requiredKeys: [] },
)
const status = fc.record({ state: fc.constantFrom('online', 'offline') })
const said = fc.oneof(
  fc.tuple(fc.constant('event' as const), event),
  fc.tuple(fc.constant('telemetry' as const), telemetry),
  fc.tuple(fc.constant('status' as const), status),
)
const pause = fc.oneof(
  fc.integer({ min: 0, max: 20_000 }),
  fc.integer({ min: 0, max: 40 * MINUTE }),
  fc.constant(5 * 60 * MINUTE),
)
/** How the device's clock stands to ours; null when it says no time. */
const offset = fc.oneof(
  fc.constant(null),
  fc.integer({ min: -30_000, max: 0 }),
  fc.integer({ min: -3_600_000, max: 3_600_000 }),
)
const step = fc.record({ deviceId, said, pause, offset, dup: fc.boolean() })

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** Ids make the messages different ones; the receipt times follow the pauses. */
function messagesOf(steps: readonly Step[], start = NIGHT): RawMessage[] {
  let now = start
  return steps.map((each, index) => {
    now += each.pause
    const [leaf, body] = each.said
    const at = each.offset === null ? {} : { at: now + each.offset }
    return message(each.deviceId, leaf, { id: `m${index}`, ...at, ...body }, now, { dup: each.dup })
  })
}

const messages = fc.array(step, { maxLength: 40 }).map((steps) => messagesOf(steps))

function begin(): Folded {
  return fireTimers(initialHomeState(), NIGHT, HOME)
}

function foldAll(all: readonly RawMessage[], each: (folded: Folded) => HomeState = (folded) => folded.state) {
  let state = begin().state
  const signals: Signal[] = []
  for (const raw of all) {
    const folded = foldMessage(state, raw, HOME, decoder)
    signals.push(...folded.signals)
    state = each(folded)
  }
  return { state, signals }
}

const stored = (state: HomeState): HomeState => JSON.parse(JSON.stringify(state))

describe('the home fold', () => {
  it('never throws, never turns time back, and wakes later than now or never', () => {
    const anything = fc.record({
      deviceId,
      leaf: fc.constantFrom('event', 'telemetry', 'status', 'x', ''),
      payload: fc.uint8Array({ maxLength: 60 }),
      receivedAt: fc.integer({ min: NIGHT - 3_600_000, max: NIGHT + 24 * 3_600_000 }),
    })
    const wild = fc.array(
      anything.map(({ deviceId: id, leaf, payload, receivedAt }) =>
        message(id, 'event', '', receivedAt, { payload, topic: `care/v1/home-001/${id}/${leaf}` }),
      ),
    )
    fc.assert(
      fc.property(fc.oneof(messages, wild), (all) => {
        let { state } = begin()
        for (const raw of all) {
          const folded = foldMessage(state, raw, HOME, decoder)
          expect(folded.state.now).toBe(Math.max(state.now, raw.receivedAt))
          if (folded.wakeAt !== null) expect(folded.wakeAt).toBeGreaterThan(folded.state.now)
          for (const signal of folded.signals) {
            expect(signal.receivedAt).toBeGreaterThanOrEqual(state.now)
            expect(signal.receivedAt).toBeLessThanOrEqual(folded.state.now)
            expect(signal.at).toBeLessThanOrEqual(signal.receivedAt)
          }
          state = folded.state
        }
      }),
      RUNS,
    )
  })

  it('hears the same message twice as once', () => {
    fc.assert(
      fc.property(messages, (all) => {
        const once = foldAll(all)
        const twice = foldAll(all.flatMap((raw) => [raw, { ...raw, dup: true }]))
        expect(twice.signals).toEqual(once.signals)
      }),
      RUNS,
    )
  })

  it('loses nothing when its state is stored as JSON between two messages', () => {
    fc.assert(
      fc.property(messages, (all) => {
        const inMemory = foldAll(all)
        const storedBetween = foldAll(all, (folded) => stored(folded.state))
        expect(storedBetween.signals).toEqual(inMemory.signals)
        expect(stored(inMemory.state)).toEqual(storedBetween.state)
      }),
      RUNS,
    )
  })

  it('fires the same timers at the same times whether a sweep comes often or never', () => {
    fc.assert(
      fc.property(messages, fc.array(fc.integer({ min: 0, max: 30 * MINUTE }), { maxLength: 5 }), (all, sweeps) => {
        const never = foldAll(all)
        let state = begin().state
        const signals: Signal[] = []
        for (const raw of all) {
          for (const before of sweeps) {
            const now = Math.max(state.now, raw.receivedAt - before)
            const fired = fireTimers(state, now, HOME)
            signals.push(...fired.signals)
            state = fired.state
          }
          const folded = foldMessage(state, raw, HOME, decoder)
          signals.push(...folded.signals)
          state = folded.state
        }
        expect(signals).toEqual(never.signals)
        expect(state).toEqual(never.state)
      }),
      RUNS,
    )
  })

  it('leaves its argument as it was', () => {
    fc.assert(
      fc.property(messages, (all) => {
        let { state } = begin()
        for (const raw of all) {
          const before = JSON.stringify(state)
          const folded = foldMessage(state, raw, HOME, decoder)
          expect(JSON.stringify(state)).toBe(before)
          state = folded.state
        }
      }),
      { numRuns: 100 },
    )
  })

  it('cares for the order of one device, not for that of devices that have nothing to do with each other', () => {
    const ofDevice = (id: string, what: fc.Arbitrary<Step['said']>) =>
      fc.record({
        deviceId: fc.constant(id),
        said: what,
        pause: fc.constant(0),
        offset: fc.constant(null),
        dup: fc.constant(false),
      })
    const presses = ofDevice('sos-bath', fc.constant(['event', { kind: 'sos', state: 'pressed' }]))
    const readings = ofDevice('sleep-bed', fc.tuple(fc.constant('telemetry' as const), telemetry))
    fc.assert(
      fc.property(fc.array(fc.tuple(presses, readings, pause)), (pairs) => {
        let now = NIGHT
        const inBothOrders = pairs.map(([press, reading, later], index) => {
          now += later
          const [first] = messagesOf([press], now)
          const [second] = messagesOf([reading], now)
          if (first === undefined || second === undefined) throw new Error(`pair ${index} is empty`)
          return [first, second]
        })
        const oneWay = foldAll(inBothOrders.flat())
        const otherWay = foldAll(inBothOrders.flatMap((pair) => pair.toReversed()))
        const inAnyOrder = (signals: Signal[]) => signals.map((signal) => JSON.stringify(signal)).sort()
        expect(inAnyOrder(otherWay.signals)).toEqual(inAnyOrder(oneWay.signals))
        expect(otherWay.state).toEqual(oneWay.state)
      }),
      RUNS,
    )
  })

  it('raises an incident for every press, whatever else is going on', () => {
    fc.assert(
      fc.property(messages, (all) => {
        const before = foldAll(all)
        const raw = message('sos-bath', 'event', { id: 'help', kind: 'sos', state: 'pressed' }, before.state.now)
        const { signals } = foldMessage(before.state, raw, HOME, decoder)
        expect(signals).toContainEqual(expect.objectContaining({ type: 'ConditionRaised', kind: 'sos', test: false }))
      }),
      RUNS,
    )
  })

  it('stays bounded, however much is wrong at once', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 300, maxLength: 300 }), (steps) => {
        const { state } = foldAll(messagesOf(steps))
        expect(JSON.stringify(state).length).toBeLessThan(HOME.devices.length * 3_000)
      }),
      { numRuns: 20 },
    )
  })
})
