import type { ObservationBody, RejectionCode } from '../observation.ts'

/**
 * The native convention by example: what a device publishes and what is read from it. They run as tests
 * (decode.test.ts); whoever builds a device can copy them.
 */
export type Example = {
  leaf: 'event' | 'telemetry' | 'status'
  payload: string
  observations: ObservationBody[]
  rejected?: RejectionCode
  /** Published with RETAIN: by the device's own account, or by the gateway's it stands behind. */
  retain?: 'own' | 'gateway'
  /** What `at` says, when the message is received at RECEIVED_AT; receipt time when absent. */
  at?: string
}

/** All examples are received at this moment. */
export const RECEIVED_AT = Date.parse('2026-11-23T02:11:10.000Z')

export const EXAMPLES: readonly Example[] = [
  {
    leaf: 'event',
    payload: '{"id":"7f3c","at":"2026-11-23T02:11:09.120Z","kind":"sos","state":"pressed"}',
    observations: [{ kind: 'sos', state: 'pressed' }],
    at: '2026-11-23T02:11:09.120Z',
  },
  {
    leaf: 'event',
    payload: '{"id":8,"at":"2026-11-23T10:11:09+08:00","kind":"sos","state":"cancelled"}',
    observations: [{ kind: 'sos', state: 'cancelled' }],
    at: '2026-11-23T02:11:09.000Z',
  },
  {
    leaf: 'event',
    payload: '{"at":1795399869000,"kind":"smoke","state":"alarm","batteryPercent":15}',
    observations: [
      { kind: 'smoke', state: 'alarm' },
      { kind: 'battery', percent: 15, low: null },
    ],
    at: '2026-11-23T02:11:09.000Z',
  },
  {
    leaf: 'event',
    payload: '{"at":1795399869,"kind":"gas","state":"cleared"}',
    observations: [{ kind: 'gas', state: 'cleared' }],
    at: '2026-11-23T02:11:09.000Z',
  },
  { leaf: 'event', payload: '{"kind":"co","state":"test"}', observations: [{ kind: 'co', state: 'test' }] },
  { leaf: 'event', payload: '{"kind":"fall","state":"alarm"}', observations: [{ kind: 'fall', state: 'alarm' }] },
  { leaf: 'event', payload: '{"kind":"leak","state":"alarm"}', observations: [{ kind: 'leak', state: 'alarm' }] },
  { leaf: 'event', payload: '{"kind":"door","state":"open"}', observations: [{ kind: 'door', state: 'open' }] },
  { leaf: 'event', payload: '{"kind":"bed","state":"empty"}', observations: [{ kind: 'bed', state: 'empty' }] },
  {
    leaf: 'event',
    payload: '{"kind":"motion","state":"detected"}',
    observations: [{ kind: 'motion', state: 'detected' }],
  },
  { leaf: 'event', payload: '{"kind":"tamper","state":"alarm"}', observations: [{ kind: 'tamper', state: 'alarm' }] },
  { leaf: 'event', payload: '{"kind":"fault","state":"cleared"}', observations: [{ kind: 'fault', state: 'cleared' }] },
  {
    leaf: 'event',
    payload: '{"kind":"battery","low":true}',
    observations: [{ kind: 'battery', percent: null, low: true }],
  },
  {
    leaf: 'telemetry',
    payload:
      '{"id":"a1","at":"2026-11-23T02:11:09Z","bedOccupied":true,"heartRatePerMin":62,"respirationPerMin":14,"movement":3,"signalQuality":0.9}',
    observations: [
      {
        kind: 'measurement',
        values: { bedOccupied: 1, heartRatePerMin: 62, respirationPerMin: 14, movement: 3, signalQuality: 0.9 },
      },
    ],
    at: '2026-11-23T02:11:09.000Z',
  },
  {
    leaf: 'telemetry',
    payload:
      '{"gasLelPercent":1.2,"coPpm":0,"temperatureC":21.4,"batteryPercent":88,"firmware":"1.4","nested":{"a":[1]}}',
    observations: [
      { kind: 'measurement', values: { gasLelPercent: 1.2, coPpm: 0, temperatureC: 21.4, batteryPercent: 88 } },
    ],
  },
  {
    leaf: 'telemetry',
    payload: '{"temperatureC":-0.0}',
    observations: [{ kind: 'measurement', values: { temperatureC: 0 } }],
  },
  {
    leaf: 'status',
    payload: '{"state":"online","batteryPercent":88,"rssiDbm":-61}',
    observations: [
      { kind: 'device', state: 'online' },
      { kind: 'battery', percent: 88, low: null },
      { kind: 'measurement', values: { batteryPercent: 88, rssiDbm: -61 } },
    ],
  },
  { leaf: 'status', payload: '{"state":"offline"}', observations: [{ kind: 'device', state: 'offline' }] },

  // Part of the message can be read: that part counts, and the rest is on record.
  {
    leaf: 'telemetry',
    payload: '{"heartRatePerMin":62,"temperatureC":999}',
    observations: [{ kind: 'measurement', values: { heartRatePerMin: 62 } }],
    rejected: 'out-of-range',
  },
  {
    leaf: 'event',
    payload: '{"kind":"sos","state":"pressed","batteryPercent":255}',
    observations: [{ kind: 'sos', state: 'pressed' }],
    rejected: 'out-of-range',
  },

  // A time without offset, in the future or too far back is not believed: receipt time stands.
  {
    leaf: 'event',
    payload: '{"at":"2026-11-23T02:11:09","kind":"sos","state":"pressed"}',
    observations: [{ kind: 'sos', state: 'pressed' }],
  },
  {
    leaf: 'event',
    payload: '{"at":"2026-11-23T03:11:09Z","kind":"sos","state":"pressed"}',
    observations: [{ kind: 'sos', state: 'pressed' }],
  },
  {
    leaf: 'event',
    payload: '{"at":"1970-01-01T00:03:00Z","kind":"sos","state":"pressed"}',
    observations: [{ kind: 'sos', state: 'pressed' }],
  },
  {
    leaf: 'event',
    payload: '{"at":1e999,"kind":"sos","state":"pressed"}',
    observations: [{ kind: 'sos', state: 'pressed' }],
  },

  // With RETAIN a device of its own account says it now; a gateway may only replay what it kept.
  {
    leaf: 'event',
    payload: '{"at":"2026-11-23T01:11:09Z","kind":"sos","state":"pressed"}',
    retain: 'own',
    observations: [{ kind: 'sos', state: 'pressed' }],
    at: '2026-11-23T01:11:09.000Z',
  },
  {
    leaf: 'event',
    payload: '{"at":"2026-11-23T01:11:09Z","kind":"sos","state":"pressed"}',
    retain: 'gateway',
    observations: [],
    rejected: 'stale-retained',
  },
  {
    leaf: 'event',
    payload: '{"kind":"sos","state":"pressed"}',
    retain: 'gateway',
    observations: [{ kind: 'sos', state: 'pressed' }],
  },

  // Nothing can be read. It is stored with the reason.
  { leaf: 'event', payload: '{"kind":"sos","state":"pres', observations: [], rejected: 'not-json' },
  { leaf: 'event', payload: '["sos"]', observations: [], rejected: 'not-an-object' },
  { leaf: 'event', payload: '{"state":"pressed"}', observations: [], rejected: 'missing-field' },
  { leaf: 'event', payload: '{"kind":"sos"}', observations: [], rejected: 'missing-field' },
  { leaf: 'event', payload: '{"kind":"sos","state":"PRESSED"}', observations: [], rejected: 'unknown-state' },
  { leaf: 'event', payload: '{"kind":"volcano","state":"alarm"}', observations: [], rejected: 'unknown-kind' },
  {
    leaf: 'event',
    payload: '{"__proto__":{"kind":"sos","state":"pressed"}}',
    observations: [],
    rejected: 'missing-field',
  },
  { leaf: 'telemetry', payload: '{"firmware":"1.4"}', observations: [], rejected: 'nothing-known' },
  { leaf: 'telemetry', payload: '{"heartRatePerMin":"62"}', observations: [], rejected: 'out-of-range' },
  { leaf: 'status', payload: '{"state":"sleeping"}', observations: [], rejected: 'unknown-state' },
]
