import { describe, expect, it } from 'vitest'
import { LiveLink, type ReadResult, type StreamEvent, type StreamHandlers } from './live-link.ts'

const SERVER_START_MS = Date.parse('2026-11-23T06:00:00Z')

/** A browser and a server in which only this test moves the time. */
class World {
  nowMs = 0
  wallSkewMs = 0
  streams: { handlers: StreamHandlers; closed: boolean }[] = []
  reads = 0
  received: string[] = []
  snapshot: ReadResult | 'never' = 'read'
  session: ReadResult = 'read'
  #timers: { atMs: number; run: () => void }[] = []
  readonly link = new LiveLink({
    openStream: (handlers) => {
      const stream = { handlers, closed: false }
      this.streams.push(stream)
      return {
        close: () => {
          stream.closed = true
        },
      }
    },
    readSnapshot: () => {
      this.reads += 1
      return this.snapshot === 'never' ? new Promise(() => {}) : Promise.resolve(this.snapshot)
    },
    checkSession: () => Promise.resolve(this.session),
    received: (name, data) => this.received.push(`${name} ${data}`),
    changed: () => {},
    after: (delayMs, run) => {
      const timer = { atMs: this.nowMs + delayMs, run }
      this.#timers.push(timer)
      return () => {
        this.#timers = this.#timers.filter((each) => each !== timer)
      }
    },
    monotonicMs: () => this.nowMs,
    wallMs: () => this.nowMs + this.wallSkewMs,
    random: () => 0,
  })

  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms
    for (;;) {
      const next = this.#timers.filter((timer) => timer.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0]
      if (!next) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.nowMs = next.atMs
      next.run()
      await settled()
    }
    this.nowMs = untilMs
  }

  say(name: StreamEvent, data: unknown): void {
    this.streams.at(-1)?.handlers.event(name, JSON.stringify(data))
  }

  beat(lateMs = 0): void {
    this.say('heartbeat', { now: new Date(SERVER_START_MS + this.nowMs - lateMs).toISOString() })
  }

  async open(): Promise<void> {
    this.streams.at(-1)?.handlers.opened()
    await settled()
    this.beat()
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve()
}

async function liveWorld(): Promise<World> {
  const world = new World()
  world.link.start()
  await world.open()
  return world
}

describe('a live page', () => {
  it('is live only with both a heartbeat and the facts of this connection', async () => {
    const world = new World()
    world.snapshot = 'never'
    world.link.start()
    expect(world.link.status()).toBe('connecting')
    await world.open()
    expect(world.link.status()).toBe('connecting')
  })

  it('stays live while heartbeats come, and knows the server’s time though the laptop’s clock is wrong', async () => {
    const world = new World()
    world.wallSkewMs = 600_000
    world.link.start()
    await world.open()
    for (let beats = 0; beats < 10; beats += 1) {
      await world.pass(5_000)
      world.beat()
    }
    await world.pass(2_000)
    expect(world.link.status()).toBe('live')
    expect(world.link.serverNowMs()).toBe(SERVER_START_MS + 52_000)
    expect(world.streams).toHaveLength(1)
  })

  it('hands on what happened and asks for nothing else', async () => {
    const world = await liveWorld()
    world.say('incident', { id: 'a' })
    expect(world.received).toEqual(['incident {"id":"a"}'])
    expect(world.reads).toBe(1)
  })

  it('reads anew each minute, once for many hints, and at a reset', async () => {
    const world = await liveWorld()
    for (let hint = 0; hint < 50; hint += 1) world.link.rereadWithin(1_000)
    await world.pass(1_000)
    expect(world.reads).toBe(2)
    world.say('reset', {})
    await settled()
    expect(world.reads).toBe(3)
    for (let beats = 0; beats < 12; beats += 1) {
      await world.pass(5_000)
      world.beat()
    }
    expect(world.reads).toBe(4)
  })
})

describe('a page that hears nothing', () => {
  it('is cut after 12 s of silence, says since when, and closes the frozen stream', async () => {
    const world = await liveWorld()
    await world.pass(12_000)
    expect(world.link.status()).toBe('live')
    await world.pass(1_000)
    expect(world.link.status()).toBe('cut')
    expect(world.link.confirmedServerMs()).toBe(SERVER_START_MS)
    expect(world.streams[0]?.closed).toBe(true)
  })

  it('comes back only after reading the facts anew', async () => {
    const world = await liveWorld()
    await world.pass(20_000)
    world.snapshot = 'failed'
    await world.open()
    expect(world.link.status()).toBe('cut')
    world.snapshot = 'read'
    await world.pass(3_000)
    await world.open()
    expect(world.link.status()).toBe('live')
  })

  it('is not fooled by heartbeats that were long on their way', async () => {
    const world = await liveWorld()
    for (let beats = 0; beats < 3; beats += 1) {
      await world.pass(4_200)
      world.beat(13_000)
    }
    await world.pass(1_000)
    expect(world.link.status()).toBe('cut')
  })

  it('is cut at once when the laptop wakes: the monotonic clock may have slept too', async () => {
    const world = await liveWorld()
    world.wallSkewMs += 3_600_000
    expect(world.link.status()).toBe('cut')
  })

  it('tries again with growing pauses, at most 10 s apart, also when every try is refused', async () => {
    const world = await liveWorld()
    const triesAt: number[] = []
    for (let tries = 0; tries < 7; tries += 1) {
      const known = world.streams.length
      world.streams.at(-1)?.handlers.failed()
      await settled()
      while (world.streams.length === known) await world.pass(100)
      triesAt.push(world.nowMs)
    }
    const pauses = triesAt.map((atMs, index) => atMs - (triesAt[index - 1] ?? 0))
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000])
  })

  it('gives up on a connection that never opens', async () => {
    const world = new World()
    world.link.start()
    await world.pass(15_000)
    expect(world.link.status()).toBe('cut')
    expect(world.streams[0]?.closed).toBe(true)
    expect(world.streams.length).toBeGreaterThan(1)
  })

  it('is signed out when the refused stream turns out to be a lost session, and tries no more', async () => {
    const world = await liveWorld()
    world.session = 'signed-out'
    world.streams.at(-1)?.handlers.failed()
    await settled()
    await world.pass(60_000)
    expect(world.link.status()).toBe('signed-out')
    expect(world.streams).toHaveLength(1)
  })

  it('ignores what an abandoned stream still says', async () => {
    const world = await liveWorld()
    const old = world.streams[0]?.handlers
    await world.pass(14_000)
    old?.event('incident', '{"id":"late"}')
    old?.event('heartbeat', JSON.stringify({ now: new Date(SERVER_START_MS + 14_000).toISOString() }))
    expect(world.received).toEqual([])
    expect(world.link.status()).toBe('cut')
  })
})
