import { findByAddress } from '../../devices/addressing.ts'
import type { DeviceAccount } from '../ports.ts'

/** Why ingest already knows that nobody will read a message. Stored with it and counted. */
export type IngestRejection =
  | 'topic-not-allowed'
  | 'reserved-topic'
  | 'topic-too-long'
  | 'malformed-topic'
  | 'superseded-will'

export type Verdict = { lane: 0 | 1; rejected: IngestRejection | null }

/** What one account may say and hear. */
export type Rights = {
  homeId: string
  devices: DeviceAccount['devices']
  /** The account's own native topics, from the first message on: most devices use one or two of theirs. */
  used: Map<string, Verdict> | null
  /** Of other conventions' topics that are no placed device's: their identity is (account, topic), so everybody may have them. */
  foreign: Verdict
}

const NATIVE_ROOT = 'care'
const NATIVE_PREFIX = `${NATIVE_ROOT}/`
const SPEAKING = ['event', 'telemetry', 'status']
const HEARING = ['command', 'incident']
/**
 * In other conventions a message of these may be an alarm in any form. Natively an alarm is an `event`: with the readings
 * of every gas detector in it, the urgent lane would be as long as the other one.
 */
const ALARM_DEVICES: ReadonlySet<string> = new Set([
  'sos-button',
  'smoke-detector',
  'gas-detector',
  'co-detector',
  'fall-sensor',
])

const URGENT: Verdict = { lane: 0, rejected: null }
const ORDINARY: Verdict = { lane: 1, rejected: null }
const NOT_ALLOWED: Verdict = { lane: 1, rejected: 'topic-not-allowed' }
const RESERVED: Verdict = { lane: 1, rejected: 'reserved-topic' }
const TOO_LONG: Verdict = { lane: 1, rejected: 'topic-too-long' }
const MALFORMED: Verdict = { lane: 1, rejected: 'malformed-topic' }

export function rightsOf(account: DeviceAccount): Rights {
  const { homeId, deviceId, devices } = account
  const own = devices.find((device) => device.deviceId === deviceId)
  const foreign = own && ALARM_DEVICES.has(own.kind) ? URGENT : ORDINARY
  return { homeId, devices, used: null, foreign }
}

export function judgePublish(rights: Rights, topic: string, maxLength: number): Verdict {
  const known = rights.used?.get(topic)
  if (known) return known
  if (topic.includes('\0')) return MALFORMED
  if (topic.length > maxLength) return TOO_LONG
  if (topic.startsWith('$')) return RESERVED
  return topic.startsWith(NATIVE_PREFIX) || topic === NATIVE_ROOT
    ? judgeNative(rights, topic)
    : judgeForeign(rights, topic)
}

function judgeForeign({ devices, foreign }: Rights, topic: string): Verdict {
  const speaks = findByAddress(topic, devices)
  if (speaks === null) return foreign
  return ALARM_DEVICES.has(speaks.kind) ? URGENT : ORDINARY
}

function judgeNative(rights: Rights, topic: string): Verdict {
  const [, version, homeId, deviceId, leaf = '', more] = topic.split('/')
  const isPlaced = rights.devices.some((device) => device.deviceId === deviceId)
  const own = version === 'v1' && homeId === rights.homeId && SPEAKING.includes(leaf) && more === undefined
  if (!isPlaced || !own) return NOT_ALLOWED
  const verdict = leaf === 'event' ? URGENT : ORDINARY
  rights.used ??= new Map()
  rights.used.set(topic, verdict)
  return verdict
}

export function isNativeTopicOf({ homeId }: Rights, topic: string): boolean {
  return topic.startsWith(`${NATIVE_PREFIX}v1/${homeId}/`)
}

/**
 * Whether a subscription is granted. A first level that is a wildcard reaches into other homes and is refused; what is
 * granted outside `care/` is silent, for nothing that an account publishes is ever sent to another.
 */
export function maySubscribe(rights: Rights, filter: string, maxLength: number): boolean {
  const levels = filter.split('/')
  const [root = '', version, homeId, deviceId = '', leaf = ''] = levels
  if (filter.length > maxLength || filter.includes('\0') || filter.startsWith('$')) return false
  if (root === '+' || root === '#') return false
  if (root !== NATIVE_ROOT) return true
  const addressed = levels.length === 5 && version === 'v1' && homeId === rights.homeId && HEARING.includes(leaf)
  return addressed && (deviceId === '+' || rights.devices.some((device) => device.deviceId === deviceId))
}

export function incidentTopic(homeId: string, deviceId: string): string {
  return `${NATIVE_PREFIX}v1/${homeId}/${deviceId}/incident`
}

/** Whether a granted filter covers this device's topic: its own level is the only one that may be a wildcard. */
export function hears(filters: ReadonlySet<string>, homeId: string, deviceId: string): boolean {
  return filters.has(incidentTopic(homeId, deviceId)) || filters.has(incidentTopic(homeId, '+'))
}
