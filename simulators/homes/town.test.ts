import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DemoHome } from './demo-file.ts'
import { startApi } from './testing/api.ts'
import { type Relay, startBroker, startRelay, type TestBroker } from './testing/broker.ts'
import { runTown } from './town.ts'
import { townAccounts } from './town-accounts.ts'
import { townLines } from './town-lines.ts'

let broker: TestBroker
let relay: Relay
let folder: string
beforeEach(async () => {
  broker = await startBroker()
  relay = await startRelay(broker.port)
  folder = mkdtempSync(join(tmpdir(), 'anlin-town-'))
})
afterEach(async () => {
  await relay.close()
  await broker.close()
  rmSync(folder, { recursive: true, force: true })
})

function townOf(count: number): DemoHome[] {
  return Array.from({ length: count }, (_, index) => {
    const id = `town-${index}`
    const login = (name: string) => ({ username: `${id}-${name}`, password: 'right' })
    return {
      id,
      devices: [
        { id: 'gateway', kind: 'gateway', ...login('gateway') },
        { id: 'sleep-bed', kind: 'sleep-monitor', gatewayId: 'gateway', ...login('sleep') },
        { id: 'gas-kitchen', kind: 'gas-detector', gatewayId: 'gateway', ...login('gas') },
      ],
    }
  })
}

test('every home of a town is heard, at the rate asked for, and every message is acknowledged', async () => {
  const options = { host: '127.0.0.1', port: broker.port, homes: townOf(20), rate: 125, seconds: 4, seed: 1 }
  const town = await runTown(options)
  expect(town.acknowledged).toBe(town.sent)
  expect(town).toMatchObject({ resent: 0, unanswered: 0, connectionsLost: 0, connectsFailed: 0 })
  expect(broker.received).toHaveLength(town.sent)
  expect(town.sent + town.leftOut).toBeLessThanOrEqual(510)
  expect(new Set(broker.received.map(({ topic }) => topic)).size).toBe(40)
  expect(new Set(broker.received.map(({ body, topic }) => `${topic} ${body.id}`)).size).toBe(town.sent)
  expect(new Set(broker.received.map(({ clientId }) => clientId)).size).toBe(20)
})

test('a connection that is lost is made again, and what it owed is sent again', async () => {
  const enough = new AbortController()
  const address = { host: '127.0.0.1', port: relay.port }
  const running = runTown({ ...address, homes: townOf(5), rate: 200, seconds: 60, seed: 1, signal: enough.signal })
  await expect.poll(() => new Set(broker.received.map(({ clientId }) => clientId)).size).toBe(5)
  relay.swallowAnswers = true
  const before = broker.received.length
  await expect.poll(() => broker.received.length).toBeGreaterThan(before + 10)
  relay.cut()
  relay.swallowAnswers = false
  await expect.poll(() => broker.received.filter(({ dup }) => dup).length).toBeGreaterThan(10)
  enough.abort()
  const town = await running
  expect(town.connectionsLost).toBe(5)
  expect(town.resent).toBeGreaterThan(10)
  expect(town.unanswered).toBe(0)
  const ids = (dup: boolean) => broker.received.filter((one) => one.dup === dup).map(({ body }) => body.id)
  expect(ids(true)).toHaveLength(town.resent)
})

test('the same seed says the same', () => {
  const said = (seed: number) =>
    townLines(townOf(3), seed, 'run').flatMap((line) => Array.from({ length: 20 }, () => line.next(0).payload))
  expect(said(1)).toEqual(said(1))
  expect(said(1)).not.toEqual(said(2))
  for (const payload of said(1)) expect(JSON.parse(payload)).toMatchObject({ at: 0 })
})

test('accounts are made through the API a few at a time, and kept for the next run', async () => {
  const api = await startApi()
  const users = [{ role: 'admin', login: 'admin', password: 'secret' }]
  const demo = { http: api.url, mqtt: broker.url, users, homes: [] }
  const demoPath = join(folder, 'demo.json')
  const homes = await townAccounts({ demo, demoPath, count: 30 })
  expect(homes).toHaveLength(30)
  expect(new Set(homes.map(({ id }) => id)).size).toBe(30)
  expect(homes[0]?.devices.map(({ kind }) => kind)).toEqual(['gateway', 'sleep-monitor', 'gas-detector'])
  expect(api.requests).toHaveLength(1 + 30 * 4)
  expect(api.most).toBeLessThanOrEqual(8)
  expect(statSync(join(folder, 'town-accounts.json')).mode & 0o777).toBe(0o600)

  expect(await townAccounts({ demo, demoPath, count: 20 })).toEqual(homes.slice(0, 20))
  expect(api.requests).toHaveLength(1 + 30 * 4)
  expect(await townAccounts({ demo, demoPath, count: 32 })).toHaveLength(32)
  expect(api.requests).toHaveLength(1 + 30 * 4 + 1 + 2 * 4)

  // A platform made anew knows none of them.
  broker.login.password = 'another'
  expect(await townAccounts({ demo, demoPath, count: 2 })).not.toEqual(homes.slice(0, 2))
  await new Promise((resolve) => api.server.close(resolve))
})
