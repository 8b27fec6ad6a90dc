import type { Subject } from '../convention.ts'
import { type DeviceClock, isPlausible, parseTime, readClock } from '../device-clock.ts'
import { isObject, type JsonObject, parseJson } from '../json-payload.ts'
import type { Decoded, Observation, ObservationMeta, PlacedDevice, RawMessage, RejectionCode } from '../observation.ts'
import {
  EVENTS_REMEMBERED,
  judgeRepeat,
  markOf,
  OTHERS_REMEMBERED,
  type RecentMessages,
  remember,
} from '../recent-messages.ts'
import { isKeptEvent } from '../retained.ts'
import { type Body, isCriticalEvent, readBodies, saysAlarm } from './bodies.ts'

/** The native convention: `care/v1/{homeId}/{deviceId}/event|telemetry|status`, JSON. README.md says what is understood. */
type NativeState = { clock: DeviceClock | null; events: RecentMessages; others: RecentMessages }

const INITIAL_STATE: NativeState = { clock: null, events: [], others: [] }
const ROOT = 'care/v1/'
/** Longer ids are cut: they only have to tell messages apart. */
const MESSAGE_ID_LENGTH = 128

type Leaf = 'event' | 'telemetry' | 'status'

/** Many clocks say no more than the second, and in one somebody presses twice. */
const COARSE_MS = 1_000

export function nativeDeviceId(raw: Pick<RawMessage, 'topic' | 'homeId'>): string | null {
  return parseTopic(raw.topic, raw.homeId)?.deviceId ?? null
}

/** The kind decides nothing here: natively the payload says what is meant. */
export function recogniseNative(topic: string): Subject | null {
  const homeId = topic.split('/')[2] ?? ''
  const deviceId = nativeDeviceId({ topic, homeId })
  return deviceId === null ? null : { address: topic, deviceId, homeId, kind: 'climate-sensor' }
}

function parseTopic(topic: string, homeId: string): { deviceId: string; leaf: Leaf } | null {
  if (!topic.startsWith(ROOT) || !topic.startsWith(homeId, ROOT.length)) return null
  const start = ROOT.length + homeId.length + 1
  const slash = topic.indexOf('/', start)
  if (topic[start - 1] !== '/' || slash <= start) return null
  const leaf = topic.slice(slash + 1)
  if (leaf !== 'event' && leaf !== 'telemetry' && leaf !== 'status') return null
  return { deviceId: topic.slice(start, slash), leaf }
}

export function decodeNative(deviceState: unknown, raw: RawMessage, placed: PlacedDevice): Decoded {
  const state = (deviceState ?? INITIAL_STATE) as NativeState
  const topic = parseTopic(raw.topic, raw.homeId)
  if (topic === null) return reject(state, 'unknown-topic')
  const json = parseJson(raw.payload)
  if (json === undefined) return reject(state, 'not-json')
  if (!isObject(json)) return reject(state, 'not-an-object')
  return decodeObject(state, raw, placed, topic.leaf, json)
}

function decodeObject(
  state: NativeState,
  raw: RawMessage,
  placed: PlacedDevice,
  leaf: Leaf,
  json: JsonObject,
): Decoded {
  const said = parseTime(json.at)
  const reading = readClock(state.clock, said, raw.receivedAt)
  const { clock, at } = reading
  // What is refused still tells how far off the clock is.
  const clocked = { ...state, clock }
  const messageId = readMessageId(json)
  const hasId = messageId !== null
  const mark = markOf(raw.payload, messageId, raw.packetId, leaf.length)
  const meta: ObservationMeta = {
    homeId: raw.homeId,
    deviceId: placed.deviceId,
    messageId,
    at,
    receivedAt: raw.receivedAt,
    retained: raw.retain,
  }
  const { bodies, rejected } = readBodies(leaf, json)
  const event = { alarming: saysAlarm(json), said, reading, mark, hasId }
  if (leaf === 'event' && raw.retain && isKeptEvent(raw, placed, state.events, event))
    return withhold(clocked, 'stale-retained', meta, bodies)
  if (bodies.length === 0) return reject(clocked, rejected ?? 'nothing-known')

  const recent = leaf === 'event' ? state.events : state.others
  const critical = leaf === 'event' && isCriticalEvent(json)
  const timed = said !== null && isPlausible(said + (clock?.offsetMs ?? 0), raw.receivedAt)
  const exact = said !== null && said % COARSE_MS !== 0
  const repeat = judgeRepeat(recent, { mark, hasId, dup: raw.dup, critical, timed, exact, receivedAt: raw.receivedAt })
  // Going offline twice changes nothing, but a repeat of it must not pass for a sign of life.
  const saysGoodbye = bodies.some((body) => body.kind === 'device' && body.state === 'offline')
  if (repeat === 'duplicate' && !saysGoodbye) return withhold(state, 'duplicate', meta, bodies)
  const deviceState: NativeState =
    leaf === 'event'
      ? { clock, events: remember(recent, mark, raw.receivedAt, EVENTS_REMEMBERED), others: state.others }
      : { clock, events: state.events, others: remember(recent, mark, raw.receivedAt, OTHERS_REMEMBERED) }
  // Of measurements it says nothing that would be worth a row each.
  const reused = repeat === 'id-reused' && leaf === 'event' ? repeat : null
  return { deviceState, observations: bodies.map((body) => observe(meta, body)), rejected: rejected ?? reused }
}

function observe(meta: ObservationMeta, body: Body): Observation {
  return { ...meta, ...body }
}

function withhold(deviceState: NativeState, rejected: RejectionCode, meta: ObservationMeta, bodies: Body[]): Decoded {
  return { deviceState, observations: [], rejected, withheld: bodies.map((body) => observe(meta, body)) }
}

function reject(deviceState: NativeState, rejected: NonNullable<Decoded['rejected']>): Decoded {
  return { deviceState, observations: [], rejected }
}

function readMessageId(json: JsonObject): string | null {
  const id = json.id
  if (typeof id === 'number' && Number.isFinite(id)) return String(id)
  return typeof id === 'string' && id !== '' ? id.slice(0, MESSAGE_ID_LENGTH) : null
}
