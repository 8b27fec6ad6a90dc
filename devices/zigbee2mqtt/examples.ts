import type { DeviceKind, ObservationBody, RejectionCode } from '../observation.ts'

/**
 * Zigbee2MQTT by example: what it publishes of a device and what is read from it. They run as tests (decode.test.ts). The
 * shapes are those of its documentation, its converters and its users' reports; what was found where is in README.md.
 */
export type Example = {
  kind: DeviceKind
  /** After the device's address; the state object itself where it is empty. */
  leaf?: string
  payload: string
  observations: ObservationBody[]
  rejected?: RejectionCode
  /** What is withheld as a duplicate or as kept from earlier. */
  withheld?: ObservationBody[]
  retain?: true
}

/** All examples are received at this moment. */
export const RECEIVED_AT = Date.parse('2026-11-23T02:11:10.000Z')

const pressed: ObservationBody = { kind: 'sos', state: 'pressed' }
const battery = (percent: number | null, low: boolean | null = null): ObservationBody => ({
  kind: 'battery',
  percent,
  low,
})
const untampered: ObservationBody = { kind: 'tamper', state: 'cleared' }

export const EXAMPLES: readonly Example[] = [
  // Calls for help. Words differ by maker; of a button that is placed as an SOS button any press is one.
  {
    kind: 'sos-button',
    payload: '{"action":"emergency","battery":100,"linkquality":18,"last_seen":"2026-11-23T10:11:09+08:00"}',
    observations: [pressed, battery(100)],
  },
  { kind: 'sos-button', payload: '{"action":"single","battery":100}', observations: [pressed, battery(100)] },
  { kind: 'sos-button', payload: '{"action":"1_single"}', observations: [pressed] },
  { kind: 'sos-button', payload: '{"click":"single"}', observations: [pressed] },
  { kind: 'sos-button', leaf: 'action', payload: 'emergency', observations: [pressed] },
  { kind: 'sos-button', leaf: 'sos', payload: 'true', observations: [pressed] },
  { kind: 'sos-button', payload: '{"battery_low":false,"sos":true}', observations: [pressed, battery(null, false)] },
  { kind: 'door-contact', payload: '{"action":"panic"}', observations: [pressed] },
  // A keypad stays at `sos_alarm` until it is disarmed: the action is the press.
  { kind: 'door-contact', payload: '{"action":"sos","sos_alarm":true}', observations: [pressed] },

  // No press: the end of one, an announcement, a battery report, another button.
  { kind: 'sos-button', payload: '{"action":"off","battery":100}', observations: [battery(100)] },
  { kind: 'sos-button', payload: '{"action":""}', observations: [], rejected: 'ignored' },
  { kind: 'sos-button', payload: '{"action":null,"battery":100,"linkquality":0}', observations: [battery(100)] },
  { kind: 'sos-button', leaf: 'action', payload: 'null', observations: [], rejected: 'ignored' },
  { kind: 'sos-button', leaf: 'action', payload: '"emergency"', observations: [pressed] },
  { kind: 'sos-button', payload: '{"action":"1_release"}', observations: [], rejected: 'ignored' },
  { kind: 'sos-button', leaf: 'action', payload: '', observations: [], rejected: 'ignored' },
  { kind: 'sos-button', payload: '{"sos":false,"tamper":false}', observations: [untampered] },
  { kind: 'door-contact', payload: '{"action":"single"}', observations: [], rejected: 'ignored' },
  { kind: 'sos-button', leaf: 'set', payload: '{"state":"ON"}', observations: [], rejected: 'ignored' },

  // Detectors.
  {
    kind: 'smoke-detector',
    payload: '{"battery":100,"battery_defect":false,"battery_low":false,"smoke":true,"tamper":false,"test":false}',
    observations: [
      { kind: 'smoke', state: 'alarm' },
      untampered,
      { kind: 'fault', state: 'cleared' },
      battery(100, false),
    ],
  },
  { kind: 'smoke-detector', leaf: 'smoke', payload: 'true', observations: [{ kind: 'smoke', state: 'alarm' }] },
  { kind: 'smoke-detector', leaf: 'linkquality', payload: '80', observations: [], rejected: 'ignored' },
  { kind: 'smoke-detector', payload: '{"smoke":false}', observations: [{ kind: 'smoke', state: 'cleared' }] },
  { kind: 'smoke-detector', payload: '{"smoke":true,"test":true}', observations: [{ kind: 'smoke', state: 'test' }] },
  { kind: 'smoke-detector', payload: '{"smoke":false,"test":true}', observations: [{ kind: 'smoke', state: 'test' }] },
  { kind: 'smoke-detector', payload: '{"smoke":null}', observations: [], rejected: 'ignored' },
  { kind: 'gas-detector', payload: '{"gas":"True"}', observations: [{ kind: 'gas', state: 'alarm' }] },
  { kind: 'co-detector', payload: '{"carbon_monoxide":true}', observations: [{ kind: 'co', state: 'alarm' }] },
  { kind: 'leak-sensor', payload: '{"water_leak":true}', observations: [{ kind: 'leak', state: 'alarm' }] },
  { kind: 'fall-sensor', payload: '{"fall_down_status":"fall"}', observations: [{ kind: 'fall', state: 'alarm' }] },
  {
    kind: 'fall-sensor',
    payload: '{"fall_down_status":"none","tumble_switch":"ON"}',
    observations: [{ kind: 'fall', state: 'cleared' }],
  },
  {
    kind: 'fall-sensor',
    payload: '{"fall_down_status":"none","tumble_switch":"OFF","presence":false}',
    observations: [{ kind: 'motion', state: 'clear' }],
  },
  // What was kept while the gateway was away has the time at which it was said.
  {
    kind: 'leak-sensor',
    payload: '{"battery":99,"last_seen":"2026-11-18T12:41:18+02:00","water_leak":true}',
    retain: true,
    observations: [battery(99)],
    rejected: 'stale-retained',
    withheld: [{ kind: 'leak', state: 'alarm' }],
  },
  {
    kind: 'sos-button',
    payload: '{"action":"emergency","last_seen":"2026-11-20T01:11:09Z"}',
    retain: true,
    observations: [],
    rejected: 'stale-retained',
    withheld: [pressed],
  },

  // States and measurements.
  { kind: 'door-contact', payload: '{"contact":false}', observations: [{ kind: 'door', state: 'open' }] },
  { kind: 'sleep-monitor', payload: '{"contact":false}', observations: [{ kind: 'bed', state: 'empty' }] },
  { kind: 'motion-sensor', payload: '{"occupancy":true}', observations: [{ kind: 'motion', state: 'detected' }] },
  {
    kind: 'climate-sensor',
    payload: '{"temperature":21.4,"humidity":48,"battery":"80.00","pressure":1002}',
    observations: [battery(80), { kind: 'measurement', values: { temperatureC: 21.4, humidityPercent: 48 } }],
  },
  { kind: 'sos-button', payload: '{"battery":255,"tamper":true}', observations: [{ kind: 'tamper', state: 'alarm' }] },

  // Alive or not: as JSON, and as text before version 2.
  {
    kind: 'sos-button',
    leaf: 'availability',
    payload: '{"state":"offline"}',
    retain: true,
    observations: [{ kind: 'device', state: 'offline' }],
  },
  { kind: 'sos-button', leaf: 'availability', payload: 'online', observations: [{ kind: 'device', state: 'online' }] },
  { kind: 'gateway', leaf: 'bridge/state', payload: 'offline', observations: [{ kind: 'device', state: 'offline' }] },
  { kind: 'gateway', leaf: 'bridge/devices', payload: '[]', observations: [], rejected: 'ignored' },
  { kind: 'gateway', leaf: 'not yet placed', payload: '{}', observations: [], rejected: 'unknown-device' },

  // Nothing can be read. It is stored with the reason.
  { kind: 'sos-button', payload: '{"action":"emer', observations: [], rejected: 'not-json' },
  { kind: 'sos-button', payload: '["emergency"]', observations: [], rejected: 'not-an-object' },
  { kind: 'sos-button', leaf: 'availability', payload: 'asleep', observations: [], rejected: 'unknown-state' },
]
