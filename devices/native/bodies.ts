import { readField, type Values } from '../fields.ts'
import type { JsonObject } from '../json-payload.ts'
import { MEASUREMENT_FIELDS, type ObservationBody, type RejectionCode } from '../observation.ts'

/** What the JSON of one native message says, before time and identity are added. Payload decides what is said. */
export type Body = ObservationBody
export type Bodies = { bodies: Body[]; rejected: RejectionCode | null }

const ALARM_STATES = ['alarm', 'cleared', 'test'] as const
const FLAG_STATES = ['alarm', 'cleared'] as const
const CRITICAL_KINDS: ReadonlySet<unknown> = new Set(['sos', 'smoke', 'gas', 'co', 'fall'])

export function isCriticalEvent(json: JsonObject): boolean {
  return CRITICAL_KINDS.has(json.kind)
}

/** Somebody is to come: not a test, and not the end of an alarm. */
export function saysAlarm(json: JsonObject): boolean {
  return isCriticalEvent(json) && (json.state === 'pressed' || json.state === 'alarm')
}

export function readBodies(leaf: 'event' | 'telemetry' | 'status', json: JsonObject): Bodies {
  switch (leaf) {
    case 'event':
      return readEvent(json)
    case 'telemetry':
      return readTelemetry(json)
    case 'status':
      return readStatus(json)
  }
}

function readEvent(json: JsonObject): Bodies {
  const kind = json.kind
  if (kind === undefined) return none('missing-field')
  if (kind === 'battery') return readBattery(json)
  const body = readEventBody(kind, json.state)
  if (typeof body === 'string') return none(body)
  const rest = readBattery(json)
  return { bodies: [body, ...rest.bodies], rejected: rest.rejected === 'nothing-known' ? null : rest.rejected }
}

function readEventBody(kind: unknown, state: unknown): Body | RejectionCode {
  switch (kind) {
    case 'sos':
      return withState(state, ['pressed', 'cancelled', 'test'] as const, (known) => ({ kind, state: known }))
    case 'smoke':
    case 'gas':
    case 'co':
    case 'leak':
    case 'fall':
      return withState(state, ALARM_STATES, (known) => ({ kind, state: known }))
    case 'bed':
      return withState(state, ['occupied', 'empty'] as const, (known) => ({ kind, state: known }))
    case 'tamper':
    case 'fault':
      return withState(state, FLAG_STATES, (known) => ({ kind, state: known }))
    case 'motion':
      return withState(state, ['detected', 'clear'] as const, (known) => ({ kind, state: known }))
    case 'door':
      return withState(state, ['open', 'closed'] as const, (known) => ({ kind, state: known }))
    case 'device':
      return withState(state, ['online', 'offline'] as const, (known) => ({ kind, state: known }))
    default:
      return 'unknown-kind'
  }
}

function withState<S extends string>(
  state: unknown,
  known: readonly S[],
  make: (state: S) => Body,
): Body | RejectionCode {
  if (state === undefined) return 'missing-field'
  const found = known.find((each) => each === state)
  return found === undefined ? 'unknown-state' : make(found)
}

function readTelemetry(json: JsonObject): Bodies {
  const { values, rejected } = readValues(json)
  const bodies: Body[] = []
  if (values !== null) bodies.push({ kind: 'measurement', values })
  if (typeof json.batteryLow === 'boolean') bodies.push(battery(values, json.batteryLow))
  return { bodies, rejected: bodies.length === 0 ? (rejected ?? 'nothing-known') : rejected }
}

function readStatus(json: JsonObject): Bodies {
  const { values, rejected } = readValues(json)
  const state = json.state
  const bodies: Body[] = []
  if (state === 'online' || state === 'offline') bodies.push({ kind: 'device', state })
  const low = json.batteryLow
  if (values?.batteryPercent !== undefined || typeof low === 'boolean') {
    bodies.push(battery(values, typeof low === 'boolean' ? low : null))
  }
  if (values !== null) bodies.push({ kind: 'measurement', values })
  if (state !== undefined && state !== 'online' && state !== 'offline') return { bodies, rejected: 'unknown-state' }
  return { bodies, rejected: bodies.length === 0 ? (rejected ?? 'missing-field') : rejected }
}

/** The battery that comes beside an event, or as an event of its own: `batteryPercent` (or `percent`), `batteryLow` (or `low`). */
function readBattery(json: JsonObject): Bodies {
  const isOwnEvent = json.kind === 'battery'
  const percentSaid = json.batteryPercent ?? (isOwnEvent ? json.percent : undefined)
  const lowSaid = json.batteryLow ?? (isOwnEvent ? json.low : undefined)
  const percent = percentSaid === undefined ? null : readField('batteryPercent', percentSaid)
  const low = typeof lowSaid === 'boolean' ? lowSaid : null
  const rejected = percentSaid !== undefined && percent === null ? 'out-of-range' : null
  if (percent === null && low === null) return none(rejected ?? 'nothing-known')
  return { bodies: [{ kind: 'battery', percent, low }], rejected }
}

function battery(values: Values | null, low: boolean | null): Body {
  return { kind: 'battery', percent: values?.batteryPercent ?? null, low }
}

/** One field out of range costs that field only; null in a field says the device has no reading. */
function readValues(json: JsonObject): { values: Values | null; rejected: RejectionCode | null } {
  let values: Values | null = null
  let rejected: RejectionCode | null = null
  for (const field of MEASUREMENT_FIELDS) {
    const said = json[field]
    if (said === undefined || said === null) continue
    const value = readField(field, said)
    if (value === null) rejected = 'out-of-range'
    else {
      values ??= {}
      values[field] = value
    }
  }
  return { values, rejected }
}

function none(rejected: RejectionCode): Bodies {
  return { bodies: [], rejected }
}
