import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startHomes } from '../homes/homes.ts'
import { readPlugs } from '../homes/plugs.ts'
import { communityTime } from '../homes/resident.ts'
import { startApi } from '../homes/testing/api.ts'
import { demoOf, startBroker, type TestBroker } from '../homes/testing/broker.ts'
import { badNight } from './bad-night.ts'
import { gatewayLost } from './gateway-lost.ts'
import { SCENARIOS } from './index.ts'
import { playScenario } from './player.ts'
import type { Scenario } from './scenario.ts'
import { sos } from './sos.ts'

/** Fast enough for a test; a scenario that cannot be hurried against a platform can be against a mere broker. */
const SPEED: Record<string, number> = {
  smoke: 1000,
  'gas-leak': 1000,
  'bad-night': 5000,
  'gateway-lost': 2000,
  day: 90_000,
}

let broker: TestBroker
let folder: string
beforeEach(async () => {
  broker = await startBroker()
  folder = mkdtempSync(join(tmpdir(), 'anlin-sim-'))
})
afterEach(async () => {
  await broker.close()
  rmSync(folder, { recursive: true, force: true })
})

const hurried = (scenario: Scenario): Scenario => ({ ...scenario, canHurry: true, lampMustAnswer: false })
const incident = (status: string, takenBy: string | null = null) => {
  return { incidentId: 'i-1', kind: 'sos', status, takenBy, etaMin: null, at: '2026-01-01T00:00:00Z' }
}

describe('every scenario, played against a broker, is heard as it is written', () => {
  for (const scenario of SCENARIOS) {
    test(scenario.name, async () => {
      let begins = Number.NaN
      const speed = SPEED[scenario.name] ?? 1
      const demo = demoOf(broker.url, ['home-1', 'home-2'])
      const played = await playScenario({
        ...{ scenario: hurried(scenario), demo, homeId: 'home-2', seed: 7, speed },
        onProgress(progress) {
          // What is said depends on the minute in which it begins, which may not be that in which the test began.
          if (progress.type === 'said' && Number.isNaN(begins))
            begins = progress.timed.saysAtMs - progress.timed.step.offsetMs
        },
      })

      const expected = scenario
        .build(7, Math.floor(communityTime(begins).minute))
        .filter((step) => step.does !== 'cut')
        .map((step) => ({ topic: `care/v1/home-2/${step.kind}-1/${step.does}`, ...step.body }))
      const isLastWill = (body: object) => 'state' in body && body.state === 'offline'
      await expect.poll(() => broker.heard.filter(({ body }) => !isLastWill(body)).length).toBe(expected.length)
      const said = broker.heard.filter(({ body }) => !isLastWill(body))
      expect(said.map(({ topic, body: { id: _id, at: _at, ...body } }) => ({ topic, ...body }))).toEqual(expected)
      expect(played.said).toBe(expected.length)

      const stamped = said.filter(({ topic }) => !topic.endsWith('/status')).map(({ body }) => body)
      expect(new Set(stamped.map(({ id }) => id)).size).toBe(stamped.length)
      const times = stamped.map(({ at }) => Date.parse(String(at)))
      expect(times).toEqual(times.toSorted((a, b) => a - b))
      expect(Math.max(0, ...times)).toBeLessThanOrEqual(Date.now())
      expect(Math.min(Date.now(), ...times)).toBeGreaterThan(Date.now() - 24 * 3_600_000)
    })
  }
})

test('the lamp answers a press, and --wait goes on until the incident is over', async () => {
  const lamps: string[] = []
  const playing = playScenario({
    scenario: sos,
    demo: demoOf(broker.url, ['home-1']),
    seed: 1,
    wait: true,
    onProgress: (progress) => {
      if (progress.type === 'lamp') lamps.push(progress.lamp.incident.status)
    },
  })
  await expect.poll(() => broker.heard).toHaveLength(1)
  const topic = 'care/v1/home-1/sos-button-1/incident'
  await broker.say(topic, incident('open'))
  await broker.say(topic, incident('acknowledged', 'Li Na'))
  await broker.say(topic, incident('resolved', 'Li Na'))
  const { lamps: seen } = await playing
  expect(lamps).toEqual(['open', 'acknowledged', 'resolved'])
  expect(seen[0]?.afterMs).toBeGreaterThan(0)
})

test('last night is told by a monitor that hangs there for it alone, and is taken down again', async () => {
  const api = await startApi()
  const users = [{ role: 'admin', login: 'admin', password: 'secret' }]
  const demo = { ...demoOf(broker.url, ['home-1']), http: api.url, users }
  await playScenario({ scenario: badNight, demo, seed: 1, speed: 5000 })
  const [, placed, revoked] = api.requests
  expect(placed).toBe('/api/v1/homes/home-1/devices')
  const own = /devices\/(bad-night-\w+)\/revoke$/.exec(revoked ?? '')?.[1] ?? expect.unreachable(revoked)
  await expect.poll(() => broker.heard.length).toBe(badNight.build(1, 0).length)
  expect(new Set(broker.heard.map(({ topic }) => topic))).toEqual(new Set([`care/v1/home-1/${own}/telemetry`]))
  api.server.close()
})

test('a wrong account ends with its reason', async () => {
  const demo = demoOf(broker.url, ['home-1'], 'wrong')
  await expect(playScenario({ scenario: { ...sos }, demo, seed: 1 })).rejects.toMatchObject({ code: 'no-connection' })
})

test('a home without the device is named, and those that have it', async () => {
  const demo = demoOf(broker.url, ['home-1', 'home-2'])
  demo.homes[0]?.devices.splice(4, 1)
  const playing = playScenario({ scenario: badNight, demo, seed: 1, homeId: 'home-1' })
  await expect(playing).rejects.toThrow('home-2')
})

test('the homes leave a lost gateway alone, and come back with it', async () => {
  const demoPath = join(folder, 'demo.json')
  const demo = demoOf(broker.url, ['home-1'])
  const homes = startHomes({ demo, demoPath, seed: 1 })
  const statusOf = (deviceId: string) =>
    broker.heard.filter(({ topic }) => topic === `care/v1/home-1/${deviceId}/status`).map(({ body }) => body.state)
  await expect.poll(() => statusOf('gateway-1').at(-1)).toBe('online')
  // 242 s of the scenario in 2.4 s: long enough for the homes to see the plug twice over.
  await playScenario({ scenario: hurried(gatewayLost), demo, demoPath, seed: 1, speed: 100 })
  expect(statusOf('smoke-detector-1')).toContain('offline')
  expect(readPlugs(demoPath, Date.now())).toEqual([])
  await expect.poll(() => statusOf('smoke-detector-1').at(-1)).toBe('online')
  await expect.poll(() => statusOf('gateway-1').at(-1)).toBe('online')

  // A device that was plugged in again does not begin to count its messages anew.
  const { id } = await homes.press('home-1', 'sos-button-1')
  await homes.close()
  expect(id).toMatch(/-2-sos-button-1-1$/)
})
