import type { DeviceKind } from '../../devices/observation.ts'

/**
 * What the home stream (decoding and rules) tells the incident stream. The rules write signals in the very
 * transaction that moves the home's state; the escalation folds them, in order per home, into incidents.
 */

/** Incident kinds this platform can open. The list grows with the rules that can find them. */
export const INCIDENT_KINDS = ['sos', 'smoke', 'gas', 'co', 'fall', 'leak', 'bed-exit', 'vitals', 'technical'] as const
export type IncidentKind = (typeof INCIDENT_KINDS)[number]

/** Kinds that no throttle, silence or bundle ever holds back, and that stay in the desk's queue when family takes them. */
export const LIFE_SAFETY_KINDS: readonly IncidentKind[] = ['sos', 'smoke', 'gas', 'co']

export const SEVERITIES = ['critical', 'warning', 'technical'] as const
export type Severity = (typeof SEVERITIES)[number]

/** Why a rule raised it: a key of the text catalogues (`services/core/message/`) and the numbers that fill it. */
export type Why = { code: WhyCode; values: Record<string, string | number> }

export const WHY_CODES = [
  'sos-pressed',
  'sos-pressed-late',
  'smoke-alarm',
  'gas-alarm',
  'gas-high',
  'gas-raised',
  'co-alarm',
  'fall-alarm',
  'leak-alarm',
  'bed-left',
  'heart-rate-low',
  'heart-rate-high',
  'respiration-low',
  'respiration-high',
  'battery-low',
  'battery-critical',
  'device-lost',
  'gateway-lost',
  'tamper',
  'fault',
  'clock-jumped',
] as const
export type WhyCode = (typeof WHY_CODES)[number]

type SignalSubject = {
  kind: IncidentKind
  /** One unresolved incident per home, kind and subject. Empty: the home itself; for `technical`: `deviceId:fault`. */
  subject: string
  deviceId: string
  deviceKind: DeviceKind
  /** The room the device hangs in, as it was named when placed; null when nobody named one. */
  room: string | null
  /** When it happened by the corrected device clock, and when it was committed here; epoch ms. */
  at: number
  receivedAt: number
}

export type Signal =
  /** A condition began, worsened, or was reported again (a repeated press, a further device). */
  | (SignalSubject & { type: 'ConditionRaised'; severity: Severity; why: Why; test: boolean })
  /** The device says the condition is over. Ends nothing by itself: an incident nobody took stays (ISA-18.2). */
  | (SignalSubject & { type: 'ConditionReturned' })
  /** Cancelled where it came from (the button's own cancel). */
  | (SignalSubject & { type: 'ConditionCancelled' })

/**
 * The homes whose incidents are to be folded at once. Technical signals wait for the escalation's sweep, which takes them
 * after all that is urgent: at most whoever was warned already is told of them, each power cut of a district makes thousands
 * of them in one second, and an alarm must not stand in one line with those.
 */
export function homesToAdvance(signals: readonly { homeId: string; signal: Signal }[]): Set<string> {
  return new Set(signals.filter(({ signal }) => !isOnlyTechnical(signal)).map(({ homeId }) => homeId))
}

/** The sweep says the same in SQL (`IS_TECHNICAL` in store/postgres/incidents.ts), held to this by technical-last.story.test.ts. */
function isOnlyTechnical(signal: Signal): boolean {
  return signal.kind === 'technical' && (signal.type !== 'ConditionRaised' || signal.severity === 'technical')
}
