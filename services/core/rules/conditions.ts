import type { IncidentKind, Severity, Signal, Why } from '../signal.ts'
import type { Condition, ConditionKey, DeviceMemory, Situation } from './home-state.ts'

/**
 * What a device has raised and not yet taken back. Signals leave from here only: once when a condition begins,
 * again when it worsens or is reported anew, and when the last device that raised it says that it is over.
 */

/**
 * What goes on is signalled again after so long, because the rules never learn that people closed the incident: it must not hide
 * a fire that still burns, nor the next leak of a sensor whose end of the last one was lost. On an open incident it is no news.
 */
const MINUTE_MS = 60_000
const LIFE_SAFETY_ANEW_MS = MINUTE_MS
const LEAK_ANEW_MS = 60 * MINUTE_MS
const ANEW_MS = 12 * 60 * MINUTE_MS

type Raise = { key: ConditionKey; severity: Severity; why: Why; at: number; test?: boolean; count?: number }

const RANK: Readonly<Record<Severity, number>> = { technical: 0, warning: 1, critical: 2 }

export function findCondition(memory: DeviceMemory, key: ConditionKey): Condition | undefined {
  for (const condition of memory.conditions) if (condition.key === key) return condition
  return undefined
}

/** Signals unless the same is already known and was not due to be said again. */
export function raise(memory: DeviceMemory, situation: Situation, raised: Raise): DeviceMemory {
  const known = findCondition(memory, raised.key)
  const worse = known !== undefined && RANK[raised.severity] > RANK[known.severity]
  // What worsens a real condition is real, whatever is being tested meanwhile.
  const test = (raised.test ?? false) && !(worse && !known.test)
  if (known !== undefined && !worse && !isNews(known, raised, test, situation.now)) {
    if (raised.at <= known.at || raised.severity !== known.severity) return memory
    return withCondition(memory, { ...known, at: raised.at })
  }
  situation.signals.push({
    type: 'ConditionRaised',
    ...subjectOf(raised.key, situation),
    at: raised.at,
    receivedAt: situation.now,
    severity: raised.severity,
    why: raised.why,
    test,
  })
  const { key, severity, count = 1 } = raised
  const at = Math.max(raised.at, known?.at ?? raised.at)
  return withCondition(memory, { key, severity, at, raisedAt: situation.now, test, count })
}

function isNews(known: Condition, raised: Raise, test: boolean, now: number): boolean {
  if (known.key === 'sos') return true
  // A test says nothing beside a real alarm; a real alarm after a test says everything.
  if (known.test !== test) return known.test
  return raised.severity === known.severity && now - known.raisedAt >= anewAfterMs(known.key)
}

function anewAfterMs(key: ConditionKey): number {
  switch (key) {
    case 'smoke':
    case 'gas':
    case 'gas-level':
    case 'co':
    // A fall sensor may never say that it is over, or say the same fall with each message.
    case 'fall':
      return LIFE_SAFETY_ANEW_MS
    case 'leak':
      return LEAK_ANEW_MS
    default:
      return ANEW_MS
  }
}

/** The device says it is over. Older news than the alarm itself takes nothing back. */
export function settle(
  memory: DeviceMemory,
  situation: Situation,
  key: ConditionKey,
  at: number,
  type: 'ConditionReturned' | 'ConditionCancelled' = 'ConditionReturned',
): DeviceMemory {
  const known = findCondition(memory, key)
  if (known === undefined || at < known.at) return memory
  const settled = { ...memory, conditions: memory.conditions.filter((condition) => condition !== known) }
  // A cancel takes back this device's call; whether another still calls, the incident knows by who raised it.
  if (type === 'ConditionCancelled' || !heldElsewhere(settled, situation, known)) {
    situation.signals.push({ type, ...subjectOf(key, situation), at, receivedAt: situation.now })
  }
  return settled
}

/** An incident belongs to the home: it returns when the last device of its kind has returned. */
function heldElsewhere(settled: DeviceMemory, situation: Situation, over: Condition): boolean {
  const kind = kindOf(over.key)
  if (kind === 'technical') return false
  const stands = (condition: Condition): boolean =>
    subjectKey(condition.key) === subjectKey(over.key) && (over.test || !condition.test)
  return situation.devices.some((other) => (other.id === settled.id ? settled : other).conditions.some(stands))
}

function withCondition(memory: DeviceMemory, condition: Condition): DeviceMemory {
  return { ...memory, conditions: [...memory.conditions.filter(({ key }) => key !== condition.key), condition] }
}

function subjectKey(key: ConditionKey): ConditionKey {
  return key === 'gas-level' ? 'gas' : key
}

function kindOf(key: ConditionKey): IncidentKind {
  switch (key) {
    case 'sos':
    case 'smoke':
    case 'gas':
    case 'co':
    case 'fall':
    case 'leak':
    case 'bed-exit':
      return key
    case 'gas-level':
      return 'gas'
    case 'heart-rate':
    case 'respiration':
      return 'vitals'
    case 'lost':
    case 'battery':
    case 'tamper':
    case 'fault':
      return 'technical'
  }
}

type Subject = Pick<Signal, 'kind' | 'subject' | 'deviceId' | 'deviceKind' | 'room'>

function subjectOf(key: ConditionKey, { placed }: Situation): Subject {
  const kind = kindOf(key)
  const subject = kind === 'technical' ? `${placed.deviceId}:${key}` : kind === 'vitals' ? key : ''
  return { kind, subject, deviceId: placed.deviceId, deviceKind: placed.kind, room: placed.room }
}
