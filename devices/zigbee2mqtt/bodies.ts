import { readField, type Values } from '../fields.ts'
import type { JsonObject } from '../json-payload.ts'
import type { DeviceKind, ObservationBody } from '../observation.ts'

/** What one state object says, besides time. The names are Zigbee2MQTT's (herdsman-converters). */

/** Fields of devices that have decided themselves that something is wrong. */
const ALARM_FIELDS = { smoke: 'smoke', gas: 'gas', carbon_monoxide: 'co', water_leak: 'leak' } as const
type AlarmField = keyof typeof ALARM_FIELDS
const ALARMS = Object.entries(ALARM_FIELDS) as [AlarmField, (typeof ALARM_FIELDS)[AlarmField]][]

/** A call for help from whatever device says it: Tuya, Loginovo, keypads. */
const PANIC_ACTIONS = new Set(['emergency', 'sos', 'panic'])
/** Of a button that was placed as an SOS button any other action is a press: single, double, hold, 1_single, on … */
const NO_PRESSES = new Set(['', 'off', 'none', 'idle', 'null', 'undefined', 'unknown', 'test', 'clear', 'battery_low'])
const RELEASE = /(^|_)released?$/

/** Pressed by an `action`: in words, never kept by Zigbee2MQTT in what it says again later. */
export function readAction(action: unknown, kind: DeviceKind): ObservationBody | null {
  if (typeof action !== 'string') return null
  const word = action.trim().toLowerCase()
  if (NO_PRESSES.has(word) || RELEASE.test(word)) return null
  if (PANIC_ACTIONS.has(word) || kind === 'sos-button') return { kind: 'sos', state: 'pressed' }
  return null
}

/** Smoke, gas, CO, water and falls. The test button raises the alarm on some devices and only `test` on others: both are a test. */
export function readAlarms(json: JsonObject): ObservationBody[] {
  const isTest = readFlag(json.test) === true
  const bodies: ObservationBody[] = []
  for (const [field, kind] of ALARMS) {
    const flag = readFlag(json[field])
    if (flag === null) continue
    bodies.push({ kind, state: isTest ? 'test' : flag ? 'alarm' : 'cleared' })
  }
  const fall = readFall(json)
  return fall === null ? bodies : [...bodies, { kind: 'fall', state: fall }]
}

/** Radars (MIR-HE200-TY) by `fall_down_status`, which means nothing while they are told not to look; the OWON FDS315 by `status`. */
function readFall(json: JsonObject): 'alarm' | 'cleared' | null {
  const said = json.fall_down_status
  if (said === 'fall' || said === 'maybe_fall') return 'alarm'
  if (said === 'none') return readFlag(json.tumble_switch) === false ? null : 'cleared'
  return json.status === 'falling' ? 'alarm' : null
}

/** What the home is like otherwise. `contact: false` means open, and of a bed's pad that nobody lies on it. */
export function readStates(json: JsonObject, kind: DeviceKind): ObservationBody[] {
  const bodies: ObservationBody[] = []
  const contact = readFlag(json.contact)
  if (contact !== null && kind === 'sleep-monitor') bodies.push({ kind: 'bed', state: contact ? 'occupied' : 'empty' })
  else if (contact !== null) bodies.push({ kind: 'door', state: contact ? 'closed' : 'open' })
  const moves = [json.presence, json.occupancy, json.motion].map(readFlag).filter((flag) => flag !== null)
  if (moves.length > 0) bodies.push({ kind: 'motion', state: moves.includes(true) ? 'detected' : 'clear' })
  const tamper = readFlag(json.tamper)
  if (tamper !== null) bodies.push({ kind: 'tamper', state: tamper ? 'alarm' : 'cleared' })
  const fault = anyOf([json.trouble, json.battery_defect].map(readFlag))
  if (fault !== null) bodies.push({ kind: 'fault', state: fault ? 'alarm' : 'cleared' })
  return [...bodies, ...readNumbers(json)]
}

function readNumbers(json: JsonObject): ObservationBody[] {
  const percent = readField('batteryPercent', toNumber(json.battery))
  const low = readFlag(json.battery_low)
  const values: Values = {}
  const temperatureC = readField('temperatureC', toNumber(json.temperature))
  const humidityPercent = readField('humidityPercent', toNumber(json.humidity))
  const coPpm = readField('coPpm', toNumber(json.co))
  if (temperatureC !== null) values.temperatureC = temperatureC
  if (humidityPercent !== null) values.humidityPercent = humidityPercent
  if (coPpm !== null) values.coPpm = coPpm
  const bodies: ObservationBody[] = percent === null && low === null ? [] : [{ kind: 'battery', percent, low }]
  return Object.keys(values).length === 0 ? bodies : [...bodies, { kind: 'measurement', values }]
}

/** null is "unknown", not false; early converters sent the booleans as text. */
export function readFlag(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'string') return null
  const word = value.toLowerCase()
  if (word === 'true' || word === 'on') return true
  return word === 'false' || word === 'off' ? false : null
}

function anyOf(flags: (boolean | null)[]): boolean | null {
  const known = flags.filter((flag) => flag !== null)
  return known.length === 0 ? null : known.includes(true)
}

/** A battery was once the text "80.00". */
function toNumber(value: unknown): unknown {
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : value
}
