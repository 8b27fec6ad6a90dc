import type { Device, Home, Incident } from '../ui/api-types.ts'
import { hourIn } from '../ui/time.ts'

const HOUR_MS = 3_600_000
/** A home with a gateway hears from it each minute; after this long without any word nothing is claimed. */
const WORD_MAX_AGE_WITH_GATEWAY_MS = 10 * 60_000
/** Without a gateway the slowest supervised device reports within four hours. */
const WORD_MAX_AGE_MS = 4 * HOUR_MS
/** How long a sign of life supports "all is well": hours awake, as the inactivity rule counts them … */
const SIGN_OF_LIFE_WAKING_MS = 4 * HOUR_MS
/** … and all hours together, so that a long night alone never supports it. */
const SIGN_OF_LIFE_MAX_AGE_MS = 14 * HOUR_MS
const NIGHT_FROM_HOUR = 22
const NIGHT_TO_HOUR = 6
const WAKING_STEP_MS = HOUR_MS / 4

export type HeadlineFacts = {
  /** The page has lost its stream. */
  cut: boolean
  nowMs: number
  home: Home | null
  /** The unresolved incidents of this home. */
  incidents: Incident[]
  devices: Device[]
}

/** What the page says about the home. Order: high > attention > not known > all well. */
export type Headline =
  | { level: 'high'; incident: Incident }
  | { level: 'attention'; incident: Incident }
  | { level: 'unknown'; reason: 'nothing-read' | 'page-cut' | 'no-devices' | 'never-heard' | 'no-sign-of-life' }
  | { level: 'unknown'; reason: 'home-silent' | 'sign-too-old'; sinceMs: number }
  | { level: 'unknown'; reason: 'test-mode'; untilMs: number }
  | { level: 'unknown'; reason: 'devices-silent'; lost: number; total: number }
  | { level: 'well'; signAtMs: number; room: string | null }

/** Claims "all is well" only on positive evidence; whatever is missing makes it "not known". */
export function headlineOf(facts: HeadlineFacts): Headline {
  const { home, incidents, nowMs } = facts
  const critical = oldest(incidents, 'critical')
  if (critical) return { level: 'high', incident: critical }
  const warning = oldest(incidents, 'warning')
  if (warning) return { level: 'attention', incident: warning }
  if (!home) return { level: 'unknown', reason: 'nothing-read' }
  const silence = silenceOf(home, facts.devices, nowMs)
  if (silence) return silence
  // Even a smoke alarm raises nothing now, so that nothing is open proves nothing.
  const testUntilMs = home.testModeUntil === null ? 0 : Date.parse(home.testModeUntil)
  if (testUntilMs > nowMs) return { level: 'unknown', reason: 'test-mode', untilMs: testUntilMs }
  const technical = oldest(incidents, 'technical')
  if (technical) return { level: 'attention', incident: technical }
  if (facts.cut) return { level: 'unknown', reason: 'page-cut' }
  return doubtOf(home, facts.devices) ?? lifeOf(home, nowMs)
}

function oldest(incidents: Incident[], severity: Incident['severity']): Incident | undefined {
  const found = incidents.filter((incident) => incident.severity === severity && incident.status !== 'resolved')
  return found.sort((a, b) => Date.parse(a.openedAt) - Date.parse(b.openedAt))[0]
}

function silenceOf(home: Home, devices: Device[], nowMs: number): Headline | null {
  const lastWordMs = home.state.lastWordAt === null ? null : Date.parse(home.state.lastWordAt)
  if (lastWordMs === null) return { level: 'unknown', reason: 'never-heard' }
  const hasGateway = devices.some((device) => device.kind === 'gateway')
  const maxAgeMs = hasGateway ? WORD_MAX_AGE_WITH_GATEWAY_MS : WORD_MAX_AGE_MS
  if (home.state.gatewayLost || nowMs - lastWordMs > maxAgeMs) {
    return { level: 'unknown', reason: 'home-silent', sinceMs: lastWordMs }
  }
  return null
}

/** What a lost device watched is not watched now, and which rules that blinds is not known here. */
function doubtOf(home: Home, devices: Device[]): Headline | null {
  const { devicesTotal: total, devicesLost } = home.state
  if (total === 0) return { level: 'unknown', reason: 'no-devices' }
  const lost = Math.max(devicesLost, devices.filter((device) => device.state === 'lost').length)
  return lost > 0 ? { level: 'unknown', reason: 'devices-silent', lost, total } : null
}

function lifeOf(home: Home, nowMs: number): Headline {
  const { lastSignOfLifeAt, lastSignOfLifeRoom: room } = home.state
  if (lastSignOfLifeAt === null) return { level: 'unknown', reason: 'no-sign-of-life' }
  const signAtMs = Date.parse(lastSignOfLifeAt)
  if (supportsWellness(signAtMs, nowMs, home.timeZone)) return { level: 'well', signAtMs, room }
  return { level: 'unknown', reason: 'sign-too-old', sinceMs: signAtMs }
}

function supportsWellness(signAtMs: number, nowMs: number, timeZone: string): boolean {
  if (nowMs - signAtMs <= SIGN_OF_LIFE_WAKING_MS) return true
  if (nowMs - signAtMs > SIGN_OF_LIFE_MAX_AGE_MS) return false
  let wakingMs = 0
  for (let atMs = signAtMs; atMs < nowMs; atMs += WAKING_STEP_MS) {
    const hour = hourIn(atMs, timeZone)
    if (hour >= NIGHT_TO_HOUR && hour < NIGHT_FROM_HOUR) wakingMs += WAKING_STEP_MS
  }
  return wakingMs <= SIGN_OF_LIFE_WAKING_MS
}
