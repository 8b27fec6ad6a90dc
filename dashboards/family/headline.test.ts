import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aDevice, aHome, anIncident } from '../testing/community.ts'
import type { Home, Incident } from '../ui/api-types.ts'
import { type HeadlineFacts, headlineOf } from './headline.ts'

const NOON = Date.parse('2026-11-23T12:00:00+08:00')
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

function earlier(nowMs: number, ageMs: number): string {
  return new Date(nowMs - ageMs).toISOString()
}

function homeHeard(state: Partial<Home['state']> = {}, nowMs = NOON): Home {
  const heard = { lastWordAt: earlier(nowMs, 30_000), lastSignOfLifeAt: earlier(nowMs, 3 * MINUTE_MS) }
  return aHome({ state: { ...aHome().state, ...heard, ...state } })
}

function facts(changes: Partial<HeadlineFacts> = {}): HeadlineFacts {
  const devices = [aDevice(), aDevice({ id: 'gateway-1', kind: 'gateway' })]
  return { cut: false, nowMs: NOON, home: homeHeard(), incidents: [], devices, ...changes }
}

const critical = anIncident({ id: 'critical' })
const warning = anIncident({ id: 'warning', kind: 'vitals', severity: 'warning' })
const technical = anIncident({ id: 'technical', kind: 'technical', severity: 'technical' })

function levelAndReason(changes: Partial<HeadlineFacts>): string {
  const headline = headlineOf(facts(changes))
  return headline.level === 'unknown' ? `unknown: ${headline.reason}` : headline.level
}

describe('the headline', () => {
  it('claims that all is well with the sign of life that supports it', () => {
    expect(headlineOf(facts())).toEqual({ level: 'well', signAtMs: NOON - 3 * MINUTE_MS, room: 'kitchen' })
  })

  it('puts high before attention before not known before all well', () => {
    const silent = homeHeard({ gatewayLost: true })
    expect(levelAndReason({ incidents: [technical, warning, critical], home: silent, cut: true })).toBe('high')
    expect(levelAndReason({ incidents: [technical, warning], home: silent })).toBe('attention')
    expect(levelAndReason({ incidents: [technical], home: silent })).toBe('unknown: home-silent')
    expect(levelAndReason({ incidents: [technical] })).toBe('attention')
  })

  it('stays high for an emergency that somebody took, until it is resolved', () => {
    expect(levelAndReason({ incidents: [{ ...critical, status: 'acknowledged' }] })).toBe('high')
    expect(levelAndReason({ incidents: [{ ...critical, status: 'resolved' }] })).toBe('well')
  })

  it('does not know without word, devices or a sign of life', () => {
    expect(levelAndReason({ home: null })).toBe('unknown: nothing-read')
    expect(levelAndReason({ cut: true })).toBe('unknown: page-cut')
    expect(levelAndReason({ home: homeHeard({ lastWordAt: null }) })).toBe('unknown: never-heard')
    expect(levelAndReason({ home: homeHeard({ devicesTotal: 0 }) })).toBe('unknown: no-devices')
    expect(levelAndReason({ home: homeHeard({ devicesLost: 1 }) })).toBe('unknown: devices-silent')
    expect(levelAndReason({ devices: [aDevice({ state: 'lost' })] })).toBe('unknown: devices-silent')
    expect(levelAndReason({ home: homeHeard({ lastSignOfLifeAt: null }) })).toBe('unknown: no-sign-of-life')
  })

  it('claims nothing while the home is in test mode, for its alarms alert nobody', () => {
    const testing = { ...homeHeard(), testModeUntil: earlier(NOON, -MINUTE_MS) }
    expect(headlineOf(facts({ home: testing }))).toEqual({
      level: 'unknown',
      reason: 'test-mode',
      untilMs: NOON + MINUTE_MS,
    })
    expect(levelAndReason({ home: testing, incidents: [critical] })).toBe('high')
    expect(levelAndReason({ home: { ...testing, testModeUntil: earlier(NOON, 1) } })).toBe('well')
  })

  it('calls a home silent by itself, even when nobody told it that the gateway is lost', () => {
    const home = homeHeard({ lastWordAt: earlier(NOON, 11 * MINUTE_MS) })
    expect(levelAndReason({ home })).toBe('unknown: home-silent')
    expect(levelAndReason({ home, devices: [aDevice()] })).toBe('well')
  })

  it('lets a night’s sleep pass, but not a morning without movement', () => {
    const atHour = (hour: string, signAgeMs: number) => {
      const nowMs = Date.parse(`2026-11-23T${hour}:00:00+08:00`)
      return levelAndReason({ nowMs, home: homeHeard({ lastSignOfLifeAt: earlier(nowMs, signAgeMs) }, nowMs) })
    }
    expect(atHour('07', 9 * HOUR_MS)).toBe('well')
    expect(atHour('11', 13 * HOUR_MS)).toBe('unknown: sign-too-old')
    expect(atHour('12', 5 * HOUR_MS)).toBe('unknown: sign-too-old')
  })
})

describe('whatever the facts', () => {
  // Half of all facts are in good order, so that one thing amiss is met alone often enough.
  const mostly = <T>(fine: T, amiss: fc.Arbitrary<T>) => fc.oneof({ weight: 2, arbitrary: fc.constant(fine) }, amiss)
  const someTime = mostly<string | null>(
    earlier(NOON, MINUTE_MS),
    fc.constantFrom(null, ...[5, 9, 20].map((hours) => earlier(NOON, hours * HOUR_MS))),
  )
  const someFacts = fc.record({
    cut: fc.boolean(),
    nowMs: fc.constant(NOON),
    incidents: mostly<Incident[]>([], fc.subarray([critical, warning, technical])),
    devices: mostly([aDevice()], fc.subarray([aDevice({ kind: 'gateway' }), aDevice({ state: 'lost' })])),
    home: mostly(true, fc.boolean()).chain((read) =>
      fc
        .record({
          lastWordAt: someTime,
          lastSignOfLifeAt: someTime,
          gatewayLost: mostly(false, fc.boolean()),
          devicesLost: mostly(0, fc.nat(2)),
          testModeUntil: mostly<string | null>(null, fc.constant(earlier(NOON, -MINUTE_MS))),
        })
        .map(({ testModeUntil, ...state }) => (read ? { ...homeHeard(state), testModeUntil } : null)),
    ),
  })

  it('a cut page, a silent home, a test or an open incident is never all well', () => {
    fc.assert(
      fc.property(someFacts, (each) => {
        const well = headlineOf(each).level === 'well'
        const doubt =
          each.cut || !each.home || each.home.state.gatewayLost || each.home.testModeUntil || each.incidents.length > 0
        return !(well && (doubt || each.home?.state.lastSignOfLifeAt === null || each.home?.state.devicesLost !== 0))
      }),
      { numRuns: 2_000 },
    )
  })

  it('and all well is not out of reach', () => {
    expect(fc.sample(someFacts, 1_000).filter((each) => headlineOf(each).level === 'well').length).toBeGreaterThan(5)
  })
})
