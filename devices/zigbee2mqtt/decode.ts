import { restOfTopic } from '../addressing.ts'
import { contentHash } from '../content-hash.ts'
import type { Convention } from '../convention.ts'
import { type DeviceClock, parseTime, type Reading, readClock } from '../device-clock.ts'
import { isObject, type JsonObject, parseJson, parseText } from '../json-payload.ts'
import type { Decoded, Observation, ObservationBody, PlacedDevice, RawMessage, RejectionCode } from '../observation.ts'
import {
  CRITICAL_REPEAT_WITHIN_MS,
  isLastAgain,
  judgeRepeat,
  markOf,
  type RecentMessages,
  remember,
} from '../recent-messages.ts'
import { readAction, readAlarms, readFlag, readStates } from './bodies.ts'
import { recogniseZigbee2mqtt } from './recognise.ts'

/** Zigbee2MQTT: `<base>/<friendly name>`, the whole known state of a device in one JSON object. README.md says what is understood. */
export const zigbee2mqtt: Convention = { name: 'zigbee2mqtt', decode, recognise: recogniseZigbee2mqtt }

/** Messages with a press that are remembered: only MQTT's own resends are repeats, for there is no id. */
const PRESSES_REMEMBERED = 8
/** The same press comes as an object and as plain text on `…/action`, in either order. */
const TWIN_WITHIN_MS = 5_000
/** What a device last said longer ago was not said now, whatever Zigbee2MQTT publishes anew. */
const STALE_AFTER_MS = 10 * 60_000
/** An old press is never dropped, but told as a late one; what a broker kept for longer nobody waits for. */
const LATE_WITHIN_MS = 24 * 60 * 60_000
/** What others ask of the device. */
const COMMANDS = new Set(['set', 'get'])
/** Change with every message whatever the device says. */
const RADIO_FIELDS = new Set(['linkquality', 'last_seen', 'elapsed', 'update', 'update_available'])

type Flags = Readonly<Record<string, boolean>>
/** `flags`: what each alarm field said last. `press`: the last `action`, and on which of its two topics it came. */
type State = {
  clock: DeviceClock | null
  recent: RecentMessages
  flags: Flags
  press?: { receivedAt: number; topic: 'object' | 'plain' }
  /** Of all fields but the radio's while `sos` is true: what says the same again was sent because of a press. */
  calling?: number
}
const PRESSED: ObservationBody = { kind: 'sos', state: 'pressed' }
const INITIAL_STATE: State = { clock: null, recent: [], flags: {} }

function decode(deviceState: unknown, raw: RawMessage, placed: PlacedDevice): Decoded {
  const state = (deviceState ?? INITIAL_STATE) as State
  const rest = restOfTopic(raw.topic, placed)
  if (placed.kind === 'gateway') return decodeBridge(state, raw, placed, rest)
  if (rest === '') return decodeState(state, raw, placed)
  if (rest === 'availability') return decodeAvailability(state, raw, placed)
  if (rest === 'action') return decodePlainAction(state, raw, placed)
  if (rest.includes('/') || COMMANDS.has(rest)) return reject(state, 'ignored')
  // With `output: attribute` the fields come one by one, beside the object or in its place.
  return decodeFields(state, raw, placed, { [rest]: parseJson(raw.payload) ?? parseText(raw.payload) }, false)
}

function decodeBridge(state: State, raw: RawMessage, placed: PlacedDevice, rest: string): Decoded {
  if (rest === 'bridge/state') return decodeAvailability(state, raw, placed)
  return reject(state, rest.startsWith('bridge/') || rest === '' ? 'ignored' : 'unknown-device')
}

/** JSON since version 2, plain text before; retained, and of the bridge the last will. */
function decodeAvailability(state: State, raw: RawMessage, placed: PlacedDevice): Decoded {
  const json = parseJson(raw.payload)
  const said = isObject(json) ? json.state : parseText(raw.payload)
  if (said !== 'online' && said !== 'offline') return reject(state, said === null ? 'not-json' : 'unknown-state')
  return {
    deviceState: state,
    observations: [observe(raw, placed, raw.receivedAt, { kind: 'device', state: said })],
    rejected: null,
  }
}

function decodePlainAction(state: State, raw: RawMessage, placed: PlacedDevice): Decoded {
  // As text, or with quotes around it.
  const json = parseJson(raw.payload)
  const body = readAction(typeof json === 'string' ? json : parseText(raw.payload), placed.kind)
  if (body === null) return reject(state, 'ignored')
  const reading = readClock(state.clock, null, raw.receivedAt)
  return conclude(state, raw, placed, { presses: [body], others: [], stale: [], reading, said: null, topic: 'plain' })
}

function decodeState(state: State, raw: RawMessage, placed: PlacedDevice): Decoded {
  const json = parseJson(raw.payload)
  if (json === undefined) return reject(state, 'not-json')
  if (!isObject(json)) return reject(state, 'not-an-object')
  return decodeFields(state, raw, placed, json, true)
}

function decodeFields(
  state: State,
  raw: RawMessage,
  placed: PlacedDevice,
  json: JsonObject,
  isWhole: boolean,
): Decoded {
  const said = parseTime(json.last_seen)
  const reading = readClock(state.clock, said, raw.receivedAt)
  const next = { ...state, clock: reading.clock }
  // Before version 1.18 it was called `click`.
  const action = readAction(json.action ?? json.click, placed.kind)
  const { isPress, calling } = readCall(next, json, isWhole)
  const presses: ObservationBody[] = []
  const ageMs = said === null ? 0 : raw.receivedAt - (reading.believed ? reading.at : said)
  const alarms = readAlarms(json)
  const stale = alarms.filter((body) => isKept(next.flags, body, raw.retain, ageMs))
  if (action !== null) presses.push(action)
  else if (isPress && isKept(next.flags, PRESSED, raw.retain, ageMs)) stale.push(PRESSED)
  else if (isPress) presses.push(PRESSED)
  const others = [...alarms.filter((body) => !stale.includes(body)), ...readStates(json, placed.kind)]
  const { calling: _before, ...rest } = next
  const after = { ...rest, flags: flagsAfter(next.flags, alarms, json), ...(calling === null ? {} : { calling }) }
  return conclude(after, raw, placed, {
    presses,
    others,
    stale,
    reading,
    said,
    topic: action === null ? null : 'object',
  })
}

/**
 * `sos` is kept by Zigbee2MQTT and said again with each battery report. It is a press when it begins, and again where nothing
 * else is new: a doubled press is cheaper than a lost one.
 */
function readCall(state: State, json: JsonObject, isWhole: boolean): { isPress: boolean; calling: number | null } {
  // A field by itself does not say what else is new.
  if (!isWhole)
    return { isPress: readFlag(json.sos) === true && state.flags.sos !== true, calling: state.calling ?? null }
  if (readFlag(json.sos) !== true) return { isPress: false, calling: null }
  const said = JSON.stringify(Object.entries(json).filter(([field]) => !RADIO_FIELDS.has(field)))
  const calling = contentHash(new TextEncoder().encode(said), 0)
  return { isPress: state.flags.sos !== true || state.calling === calling, calling }
}

/**
 * An alarm that Zigbee2MQTT knew before it was restarted comes again with the old time at which it was said. One that was seen
 * to begin is none of those, so a gateway with a wrong clock loses nothing; of a device that was never heard it is one
 * where a broker kept it for over a day.
 */
function isKept(flags: Flags, body: ObservationBody, retained: boolean, ageMs: number): boolean {
  if (!('state' in body) || ageMs <= STALE_AFTER_MS) return false
  // An old end takes back no alarm that began since.
  if (body.state === 'cleared') return flags[body.kind] === true
  if (body.state !== 'alarm' && body.state !== 'pressed') return false
  return flags[body.kind] ?? (retained && ageMs > LATE_WITHIN_MS)
}

function flagsAfter(flags: Flags, alarms: readonly ObservationBody[], json: JsonObject): Flags {
  const after: Record<string, boolean> = { ...flags }
  for (const body of alarms) if ('state' in body) after[body.kind] = body.state === 'alarm'
  const sos = readFlag(json.sos)
  if (sos !== null) after.sos = sos
  return after
}

/** `topic`: of the two on which an `action` comes; null for a press that comes on one only. */
type Found = {
  presses: ObservationBody[]
  others: ObservationBody[]
  stale: ObservationBody[]
  reading: Reading
  said: number | null
  topic: 'object' | 'plain' | null
}

function conclude(state: State, raw: RawMessage, placed: PlacedDevice, found: Found): Decoded {
  const { presses, others, stale, reading } = found
  const { deviceState, why } = presses.length === 0 ? { deviceState: state, why: null } : judgePress(state, raw, found)
  const counted = why === null ? [...presses, ...others] : others
  const withheld = why === null ? stale : [...presses, ...stale]
  const observations = counted.map((body) => observe(raw, placed, reading.at, body))
  const rejected = why ?? (stale.length > 0 ? 'stale-retained' : observations.length === 0 ? 'ignored' : null)
  if (withheld.length === 0) return { deviceState, observations, rejected }
  return {
    deviceState,
    observations,
    rejected,
    withheld: withheld.map((body) => observe(raw, placed, found.said ?? reading.at, body)),
  }
}

/** Whether a press was heard before: resent, told on its other topic already, or kept by a broker from earlier. */
function judgePress(
  state: State,
  raw: RawMessage,
  { reading, said, topic }: Found,
): { deviceState: State; why: RejectionCode | null } {
  const mark = markOf(raw.payload, null, raw.packetId, topic === 'plain' ? 1 : 0)
  const { recent, press } = state
  if (raw.retain && isKeptPress(raw, recent, mark, said, reading)) return { deviceState: state, why: 'stale-retained' }
  const times = { timed: said !== null, exact: false, receivedAt: raw.receivedAt }
  const arrival = { mark, hasId: false, dup: raw.dup, critical: true, ...times }
  const isOther = topic !== null && press !== undefined && press.topic !== topic
  const isTwin = isOther && raw.receivedAt - press.receivedAt < TWIN_WITHIN_MS
  if (isTwin || judgeRepeat(recent, arrival) === 'duplicate') {
    // A twin is told once: the next on this topic is a press of its own.
    const { press: _twin, ...rest } = state
    return { deviceState: isTwin ? rest : state, why: 'duplicate' }
  }
  const heard = remember(recent, mark, raw.receivedAt, PRESSES_REMEMBERED)
  const next = { ...state, recent: heard }
  return { deviceState: topic === null ? next : { ...next, press: { receivedAt: raw.receivedAt, topic } }, why: null }
}

/**
 * The same bytes as the press before: with a time they are the same moment, without one only for so long as a doubled press
 * is one. Whoever sets RETAIN for its devices sets it with each press, so it says nothing by itself.
 */
function isKeptPress(raw: RawMessage, recent: RecentMessages, mark: number, said: number | null, reading: Reading) {
  if (said !== null && raw.receivedAt - (reading.believed ? reading.at : said) > LATE_WITHIN_MS) return true
  const [heardAtS = 0] = recent.slice(-1)
  const isRecent = raw.receivedAt - heardAtS * 1_000 < CRITICAL_REPEAT_WITHIN_MS
  return (said !== null || isRecent) && isLastAgain(recent, mark, false, raw.receivedAt)
}

function observe(raw: RawMessage, placed: PlacedDevice, at: number, body: ObservationBody): Observation {
  const { homeId, receivedAt, retain } = raw
  return { homeId, deviceId: placed.deviceId, messageId: null, at, receivedAt, retained: retain, ...body }
}

function reject(deviceState: State, rejected: RejectionCode): Decoded {
  return { deviceState, observations: [], rejected }
}
