import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FIELD_RANGES } from '../fields.ts'
import { decoder } from '../index.ts'
import { MEASUREMENT_FIELDS, type Observation } from '../observation.ts'
import { EXAMPLES, RECEIVED_AT } from './examples.ts'
import { GATEWAY_ACCOUNT, OWN_ACCOUNT, placedDevice, rawMessage } from './testing/native-device.ts'

const bodyOf = ({ homeId, deviceId, messageId, at, receivedAt, retained, ...body }: Observation) => body

describe('the native convention', () => {
  it.each(EXAMPLES)('$leaf $payload', ({ leaf, payload, observations, rejected = null, at, retain }) => {
    const flags =
      retain === undefined ? {} : { retain: true, account: retain === 'own' ? OWN_ACCOUNT : GATEWAY_ACCOUNT }
    const decoded = decoder.decode(null, rawMessage(leaf, payload, flags), placedDevice)
    expect(decoded.observations.map(bodyOf)).toEqual(observations)
    expect(decoded.rejected).toBe(rejected)
    for (const observation of decoded.observations) {
      expect(observation.at).toBe(at === undefined ? RECEIVED_AT : Date.parse(at))
    }
  })

  it('finds the device in the topic, and only in its own home', () => {
    const idOf = (topic: string) => decoder.deviceIdOf(rawMessage('event', '', { topic }), [placedDevice])
    expect(idOf('care/v1/home-001/sos-bath/event')).toBe('sos-bath')
    for (const topic of [
      'care/v1/home-002/sos-bath/event',
      'care/v1/home-0011/sos-bath/event',
      'care/v1/home-001//event',
      'care/v1/home-001/sos-bath',
      'care/v1/home-001/sos-bath/event/more',
      'care/v1/home-001/sos-bath/command',
      'care/v2/home-001/sos-bath/event',
      '',
    ]) {
      expect(idOf(topic), topic).toBeNull()
    }
  })

  it('refuses bytes that are not UTF-8', () => {
    const bytes = new Uint8Array([0x22, 0xc3, 0x28, 0x22])
    expect(decoder.decode(null, rawMessage('event', bytes), placedDevice).rejected).toBe('not-json')
  })

  it('reads an id that came before with other content, and puts it on record', () => {
    const first = decoder.decode(null, rawMessage('event', '{"id":"1","kind":"sos","state":"pressed"}'), placedDevice)
    const again = (payload: string) => decoder.decode(first.deviceState, rawMessage('event', payload), placedDevice)
    expect(first.rejected).toBeNull()
    expect(again('{"id":"1","kind":"sos","state":"cancelled"}')).toMatchObject({
      observations: [{ kind: 'sos', state: 'cancelled' }],
      rejected: 'id-reused',
    })
    expect(again('{"id":"1","kind":"sos","state":"cancelled","batteryPercent":300}').rejected).toBe('out-of-range')
    expect(again('{"id":"2","kind":"sos","state":"cancelled"}').rejected).toBeNull()
  })

  it('does not put a monitor on record that gives all its measurements one id', () => {
    const first = decoder.decode(null, rawMessage('telemetry', '{"id":"m","coPpm":1}'), placedDevice)
    expect(
      decoder.decode(first.deviceState, rawMessage('telemetry', '{"id":"m","coPpm":2}'), placedDevice),
    ).toMatchObject({ observations: [{ values: { coPpm: 2 } }], rejected: null })
  })

  it('remembers an id for a day, and no longer', () => {
    const payload = '{"id":"1","kind":"bed","state":"empty"}'
    const { deviceState } = decoder.decode(null, rawMessage('event', payload), placedDevice)
    const later = (hours: number) =>
      decoder.decode(
        deviceState,
        rawMessage('event', payload, { receivedAt: RECEIVED_AT + hours * 3_600_000 }),
        placedDevice,
      ).rejected
    expect([later(1), later(23), later(25)]).toEqual(['duplicate', 'duplicate', null])
  })

  it('reads what the strings of C end with, and nothing else behind the JSON', () => {
    const press = '{"kind":"sos","state":"pressed"}'
    const read = (text: string) => decoder.decode(null, rawMessage('event', text), placedDevice).rejected
    expect([read(`${press}\0`), read(`${press}\n\0\0\0`)]).toEqual([null, null])
    expect([read('\0'), read(`\0${press}`), read(`${press}\0x`)]).toEqual(['not-json', 'not-json', 'not-json'])
  })

  it('takes a retained status', () => {
    const status = decoder.decode(null, rawMessage('status', '{"state":"online"}', { retain: true }), placedDevice)
    expect(status.observations).toHaveLength(1)
  })

  it('never throws, whatever the bytes, the JSON or the topic, and its state survives JSON', () => {
    const leaf = fc.constantFrom('event', 'telemetry', 'status')
    const known = fc.record(
      {
        id: fc.oneof(fc.string(), fc.double(), fc.jsonValue()),
        at: fc.oneof(
          fc.double(),
          fc.string(),
          fc.integer(),
          fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
        ),
        kind: fc.oneof(fc.constantFrom('sos', 'smoke', 'battery', '__proto__', 'constructor'), fc.jsonValue()),
        state: fc.oneof(fc.constantFrom('pressed', 'alarm', 'online', '__proto__'), fc.jsonValue()),
        batteryPercent: fc.oneof(fc.double(), fc.jsonValue()),
        heartRatePerMin: fc.oneof(fc.double(), fc.jsonValue()),
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
    fc.assert(
      fc.property(
        fc.array(fc.tuple(leaf, payload, fc.boolean(), fc.boolean(), fc.nat()), { maxLength: 30 }),
        (messages) => {
          let state: unknown = null
          for (const [kind, bytes, dup, retain, later] of messages) {
            const message = rawMessage(kind, bytes, { dup, retain, receivedAt: RECEIVED_AT + later })
            const decoded = decoder.decode(state, message, placedDevice)
            expect(decoded.observations.length > 0 || decoded.rejected !== null).toBe(true)
            for (const { at } of decoded.observations) expect(at).toBeLessThanOrEqual(message.receivedAt)
            state = JSON.parse(JSON.stringify(decoded.deviceState))
            expect(state).toEqual(decoded.deviceState)
          }
        },
      ),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(
        fc.string(),
        (topic) => decoder.deviceIdOf(rawMessage('event', '', { topic }), [placedDevice]) === null,
      ),
    )
  })

  it('is described as it is: the README names every field with its range', () => {
    const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8')
    for (const field of MEASUREMENT_FIELDS) {
      const { min, max, unit } = FIELD_RANGES[field]
      expect(readme).toContain(`| \`${field}\` | ${unit} | ${min} … ${max} |`)
    }
  })
})
