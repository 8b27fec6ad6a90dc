import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Redis, startRedis } from '../../../simulators/trials/redis.ts'
import { logHintKey } from '../../core/log-hint.ts'
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'
import type { QueueAddress } from './bullmq-hints.ts'
import { type HintBus, openHints } from './hints.ts'

const silent = { info() {}, warn() {}, error() {}, debug() {} }

let database: TestDatabase
let redis: Redis
beforeAll(async () => {
  database = await createTestDatabase()
  redis = await startRedis()
})
afterAll(async () => {
  await database.close()
  await redis.kill()
})

async function withBus(address: QueueAddress | null, work: (bus: HintBus) => Promise<void>): Promise<void> {
  const bus = await openHints(address, silent)
  try {
    await work(bus)
  } finally {
    await bus.close()
  }
}

test('in one process a hint is heard at once, and a storm for one key becomes one further run', async () => {
  await withBus(null, async (bus) => {
    let runs = 0
    let release = () => {}
    const gate = new Promise<void>((done) => {
      release = done
    })
    bus.listen('log', async () => {
      runs++
      await gate
    })
    for (let i = 0; i < 1_000; i++) bus.hint('log', '7')
    expect(runs).toBe(1)
    release()
    await vi.waitFor(() => expect(runs).toBe(2), 10_000)
  })
})

describe.each([
  ['postgres', () => ({ kind: 'postgres', url: database.url }) as const],
  ['redis', () => ({ kind: 'redis', url: redis.url }) as const],
])('on %s', (_name, address) => {
  test('a hint reaches a listener in another process, and the last one is never lost', async () => {
    await withBus(address(), async (sender) => {
      await withBus(address(), async (receiver) => {
        const heard = new Set<string>()
        receiver.listen('incident', async (key) => void heard.add(key))
        for (let i = 0; i < 20; i++) for (const key of ['home-1', 'home-2']) sender.hint('incident', key)
        await vi.waitFor(() => expect([...heard].sort()).toEqual(['home-1', 'home-2']), { timeout: 10_000 })
        sender.hint('incident', 'home-3')
        await vi.waitFor(() => expect(heard).toContain('home-3'), { timeout: 10_000 })
      })
    })
  })

  test('ordinary rows of all shards are one hint and one more, and an alarm among them names its home', async () => {
    await withBus(address(), async (sender) => {
      await withBus(address(), async (receiver) => {
        const heard: string[] = []
        receiver.listen('log', async (key) => void heard.push(key))
        for (let shard = 0; shard < 64; shard++) sender.hint('log', logHintKey({ shard, homeId: null }))
        sender.hint('log', logHintKey({ shard: 5, homeId: 'home-1' }))
        await vi.waitFor(() => expect(heard).toEqual(expect.arrayContaining(['', '5/home-1'])), { timeout: 10_000 })
        // Both have gone out by then; a receiver that came late hears one, for the other was still waiting.
        await sleep(1_000)
        expect(heard.filter((key) => key !== '')).toEqual(['5/home-1'])
        expect([1, 2]).toContain(heard.length - 1)
        const before = heard.length
        sender.hint('log', logHintKey({ shard: 7, homeId: null }))
        await vi.waitFor(() => expect(heard.length).toBeGreaterThan(before), { timeout: 10_000 })
      })
    })
  })

  test('a hint about the messages that go out, which has no key, arrives as one', async () => {
    const said: string[] = []
    const log = { ...silent, warn: (_fields: unknown, message: string) => void said.push(message) }
    const sender = await openHints(address(), log)
    await withBus(address(), async (receiver) => {
      const heard: string[] = []
      receiver.listen('outbox', async (key) => void heard.push(key))
      sender.hint('outbox', '')
      await vi.waitFor(() => expect(heard).toEqual(['']), { timeout: 10_000 })
    }).finally(() => sender.close())
    expect(said).toEqual([])
  })
})

test('a queue that is away costs nobody anything: hints are dropped, never thrown, never piled up', async () => {
  await withBus({ kind: 'redis', url: 'redis://127.0.0.1:1' }, async (bus) => {
    expect(() => {
      for (let i = 0; i < 10_000; i++) bus.hint('log', String(i % 64))
    }).not.toThrow()
  })
})
