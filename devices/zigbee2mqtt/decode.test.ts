import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decoder, recognise } from '../index.ts'
import type { Decoded, Observation, PlacedDevice, RawMessage } from '../observation.ts'
import { EXAMPLES, RECEIVED_AT } from './examples.ts'

const MINUTE = 60_000
const button: PlacedDevice = {
  deviceId: 'sos-bath',
  kind: 'sos-button',
  room: null,
  gatewayId: 'gateway',
  convention: 'zigbee2mqtt',
  address: 'zigbee2mqtt/bathroom button',
  retired: false,
}
const bodyOf = ({ homeId, deviceId, messageId, at, receivedAt, retained, ...body }: Observation) => body

function message(placed: PlacedDevice, leaf: string, payload: string | Uint8Array, more: Partial<RawMessage> = {}) {
  return {
    homeId: 'home-001',
    account: 'home-001.gateway',
    topic: [placed.address, ...(leaf === '' ? [] : [leaf])].join('/'),
    payload: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
    qos: 1 as const,
    packetId: 7,
    dup: false,
    retain: false,
    receivedAt: RECEIVED_AT,
    ...more,
  }
}

type Speech = Partial<RawMessage> & { leaf?: string }

/** A device whose messages are decoded in order, its state kept as stored JSON. */
class SpeakingDevice {
  now = RECEIVED_AT
  #state: unknown = null
  readonly #placed: PlacedDevice

  constructor(placed: PlacedDevice) {
    this.#placed = placed
  }

  says(payload: object | string, { leaf = '', ...more }: Speech = {}): Decoded {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
    const raw = message(this.#placed, leaf, text, { receivedAt: this.now, ...more })
    const decoded = decoder.decode(this.#state, raw, this.#placed)
    this.#state = JSON.parse(JSON.stringify(decoded.deviceState))
    return decoded
  }

  /** The alarms that count. */
  alarms(payload: object | string, speech?: Speech): number {
    const { observations } = this.says(payload, speech)
    return observations.filter((each) => 'state' in each && ['pressed', 'alarm'].includes(each.state)).length
  }
}

describe('Zigbee2MQTT', () => {
  it.each(EXAMPLES)('$kind $leaf $payload', ({ kind, leaf = '', payload, observations, rejected = null, ...more }) => {
    const address = kind === 'gateway' ? 'zigbee2mqtt' : button.address
    const placed: PlacedDevice = { ...button, kind, address: address ?? null }
    const decoded = decoder.decode(null, message(placed, leaf, payload, { retain: more.retain ?? false }), placed)
    expect(decoded.observations.map(bodyOf)).toEqual(observations)
    expect(decoded.rejected).toBe(rejected)
    expect((decoded.withheld ?? []).map(bodyOf)).toEqual(more.withheld ?? [])
  })

  it('counts a press once though it comes on two topics, in either order, and the next one again', () => {
    for (const [first, second] of [
      [undefined, 'action'],
      ['action', undefined],
    ]) {
      const pendant = new SpeakingDevice(button)
      const press = (leaf: string | undefined) =>
        leaf === undefined ? pendant.alarms({ action: 'emergency' }) : pendant.alarms('emergency', { leaf })
      const counts = [press(first), press(second)]
      pendant.now += 3_000
      counts.push(press(first), press(second))
      expect(counts).toEqual([1, 0, 1, 0])
    }
  })

  it('counts every press of a button without ids, and of a resend by MQTT none', () => {
    const pendant = new SpeakingDevice(button)
    const counts = [1, 2, 3].map(() => {
      pendant.now += 1_000
      return pendant.alarms({ action: 'emergency', battery: 90 })
    })
    expect(counts).toEqual([1, 1, 1])
    expect(pendant.alarms({ action: 'emergency', battery: 90 }, { dup: true })).toBe(0)
  })

  it('takes `sos` for a press when it begins and where nothing else is new, not with each battery report', () => {
    const pendant = new SpeakingDevice(button)
    expect(pendant.alarms({ sos: true, battery: 90 })).toBe(1)
    pendant.now += MINUTE
    expect(pendant.alarms({ sos: true, battery: 89, linkquality: 40 })).toBe(0)
    expect(pendant.alarms({ sos: true, battery: 89, linkquality: 55 })).toBe(1)
    expect(pendant.alarms({ sos: false, battery: 89 })).toBe(0)
    expect(pendant.alarms({ sos: true, battery: 89 })).toBe(1)
  })

  it('takes `sos` by itself for a press when it begins, beside the object or without it', () => {
    const pendant = new SpeakingDevice(button)
    const sos = () => pendant.alarms('true', { leaf: 'sos' })
    expect([pendant.alarms({ sos: true, battery: 90 }), sos()]).toEqual([1, 0])
    expect([pendant.alarms({ sos: true, battery: 90 }), sos()]).toEqual([1, 0])
    pendant.says('false', { leaf: 'sos' })
    expect([sos(), sos()]).toEqual([1, 0])
  })

  it('does not take what was true before a restart for news, but what was seen to begin, whatever the clock says', () => {
    const detector = new SpeakingDevice({ ...button, kind: 'smoke-detector' })
    const at = (ageMs: number) => ({ last_seen: new Date(detector.now - ageMs).toISOString() })
    expect(detector.alarms({ smoke: true, ...at(1_000) })).toBe(1)
    detector.now += 5 * 24 * 60 * MINUTE
    const again = detector.says({ smoke: true, ...at(5 * 24 * 60 * MINUTE) })
    expect([again.observations, again.rejected]).toEqual([[], 'stale-retained'])
    detector.says({ smoke: false, ...at(120 * MINUTE) })
    expect(detector.alarms({ smoke: true, ...at(120 * MINUTE) })).toBe(1)
  })

  it('counts each press of a button that is published with RETAIN, with a time or without, also by a slow clock', () => {
    const pendant = new SpeakingDevice(button)
    const retain = { retain: true }
    const counts = [0, 3, 9, 23].map((hours) => {
      pendant.now = RECEIVED_AT + hours * 60 * MINUTE
      return pendant.alarms({ action: 'emergency', battery: 100 }, retain)
    })
    expect(counts).toEqual([1, 1, 1, 1])
    const slow = () => ({ action: 'emergency', last_seen: pendant.now - 15 * MINUTE })
    pendant.now += 60 * MINUTE
    const timed = slow()
    expect([pendant.alarms(timed, retain), pendant.alarms(timed, retain)]).toEqual([1, 0])
    pendant.now += 60 * MINUTE
    expect([pendant.alarms(timed, retain), pendant.alarms(slow(), retain)]).toEqual([0, 1])
    expect(
      new SpeakingDevice({ ...button, kind: 'smoke-detector' }).alarms(
        { smoke: true, last_seen: RECEIVED_AT - 11 * MINUTE },
        retain,
      ),
    ).toBe(1)
  })

  it('lets an old end take back no alarm', () => {
    const detector = new SpeakingDevice({ ...button, kind: 'smoke-detector' })
    detector.says({ smoke: true })
    const kept = detector.says({ smoke: false, last_seen: detector.now - 48 * 60 * MINUTE }, { retain: true })
    expect([kept.observations, kept.rejected]).toEqual([[], 'stale-retained'])
    expect(detector.says({ smoke: false }).observations).toMatchObject([{ kind: 'smoke', state: 'cleared' }])
  })

  it('keeps its state apart from that of another convention: a device placed anew, and what it still says natively', () => {
    const { convention: _convention, address: _address, ...native } = button
    const say = (state: unknown, placed: PlacedDevice, topic: string, payload: object, packetId: number) =>
      decoder.decode(state, message(placed, '', JSON.stringify(payload), { topic, packetId }), placed)
    const nativeTopic = 'care/v1/home-001/sos-bath/event'
    const pressed = { observations: [{ kind: 'sos', state: 'pressed' }] }
    const first = say(null, native, nativeTopic, { id: '1', kind: 'sos', state: 'pressed' }, 1)
    const second = say(first.deviceState, button, button.address ?? '', { action: 'emergency' }, 2)
    const third = say(second.deviceState, button, nativeTopic, { id: '2', kind: 'sos', state: 'pressed' }, 3)
    const fourth = say(third.deviceState, button, button.address ?? '', { action: 'emergency' }, 4)
    const again = say(fourth.deviceState, native, nativeTopic, { id: '2', kind: 'sos', state: 'pressed' }, 5)
    expect([first, second, third, fourth]).toMatchObject([pressed, pressed, pressed, pressed])
    expect(again.rejected).toBe('duplicate')
    expect(JSON.parse(JSON.stringify(again.deviceState))).toEqual(again.deviceState)
  })

  it('takes the alarm of a detector that was never heard, however wrong its clock', () => {
    const detector = new SpeakingDevice({ ...button, kind: 'smoke-detector' })
    expect(detector.alarms({ smoke: true, last_seen: '2019-06-24T15:30:53.312Z' })).toBe(1)
  })

  it('finds a device by topic and account: the longest name, and never in another gateway’s', () => {
    const place = (deviceId: string, address: string, gatewayId: string | null = 'gateway'): PlacedDevice => ({
      ...button,
      deviceId,
      address,
      gatewayId,
    })
    const devices = [
      place('gateway', 'zigbee2mqtt', null),
      place('gateway-2', 'zigbee2mqtt', null),
      place('bath', 'zigbee2mqtt/bath'),
      place('bath-door', 'zigbee2mqtt/bath/door'),
      place('bath-2', 'zigbee2mqtt/bath', 'gateway-2'),
      { ...place('gone', 'zigbee2mqtt/bath/door/old'), retired: true },
    ]
    const idOf = (topic: string, account = 'home-001.gateway') =>
      decoder.deviceIdOf({ homeId: 'home-001', account, topic }, devices)
    expect(idOf('zigbee2mqtt/bath')).toBe('bath')
    expect(idOf('zigbee2mqtt/bath/availability')).toBe('bath')
    expect(idOf('zigbee2mqtt/bath/door')).toBe('bath-door')
    expect(idOf('zigbee2mqtt/bath/door/old')).toBe('bath-door')
    expect(idOf('zigbee2mqtt/bathroom')).toBe('gateway')
    expect(idOf('zigbee2mqtt/bath', 'home-001.gateway-2')).toBe('bath-2')
    expect(idOf('zigbee2mqtt/bath', 'home-002.gateway')).toBeNull()
    expect(idOf('zigbee2mqtt/bath', 'home-001.bath-door')).toBeNull()
    expect(idOf('shellies/x')).toBeNull()
  })

  it('never throws, whatever the bytes, the JSON or the topic, and its state survives JSON and stays small', () => {
    const known = fc.record(
      {
        action: fc.oneof(fc.constantFrom('emergency', 'off', '', null), fc.jsonValue()),
        sos: fc.oneof(fc.boolean(), fc.jsonValue()),
        smoke: fc.oneof(fc.boolean(), fc.constantFrom('True', 'OFF', null), fc.jsonValue()),
        test: fc.oneof(fc.boolean(), fc.jsonValue()),
        last_seen: fc.oneof(fc.integer(), fc.double(), fc.string(), fc.constant('2026-11-23T02:00:00Z')),
        battery: fc.oneof(fc.double(), fc.string(), fc.jsonValue()),
        temperature: fc.oneof(fc.double(), fc.jsonValue()),
        __proto__: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    const text = fc.oneof(
      known.map((value) => JSON.stringify(value)),
      fc.json(),
      fc.string(),
    )
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      text.map((each) => new TextEncoder().encode(each)),
    )
    const leaf = fc.oneof(fc.constantFrom('', 'availability', 'action', 'bridge/state'), fc.string())
    const kind = fc.constantFrom('sos-button', 'smoke-detector', 'gateway', 'sleep-monitor')
    const one = fc.tuple(leaf, payload, fc.boolean(), fc.boolean(), fc.nat())
    fc.assert(
      fc.property(kind, fc.array(one, { maxLength: 30 }), (ofKind, messages) => {
        const placed: PlacedDevice = { ...button, kind: ofKind as PlacedDevice['kind'] }
        let state: unknown = null
        for (const [ofLeaf, bytes, dup, retain, later] of messages) {
          const raw = message(placed, ofLeaf, bytes, { dup, retain, receivedAt: RECEIVED_AT + later })
          recognise(raw.topic, bytes)
          const decoded = decoder.decode(state, raw, placed)
          expect(decoded.observations.length > 0 || decoded.rejected !== null).toBe(true)
          for (const { at } of decoded.observations) expect(at).toBeLessThanOrEqual(raw.receivedAt)
          state = JSON.parse(JSON.stringify(decoded.deviceState))
          expect(state).toEqual(decoded.deviceState)
          expect(JSON.stringify(state).length).toBeLessThan(1_000)
        }
      }),
      { numRuns: 500 },
    )
  })
})
