import { expect, test, vi } from 'vitest'
import { createMetrics } from './metrics.ts'
import { startSweeping } from './sweep.ts'

const silent = { info() {}, warn() {}, error() {}, debug() {} }

test('who scrapes sees for each role when it last swept, also while its sweep hangs or fails', async () => {
  const metrics = createMetrics()
  let now = 1_795_399_869_000
  const clock = { now: () => now, monotonicMs: () => performance.now() }
  let rounds = 0
  let release = () => {}
  const swept = [
    { role: 'rules', sweep: async () => void rounds++ },
    {
      role: 'escalation',
      async sweep() {
        if (rounds > 1) throw new Error('the database is away')
      },
    },
    {
      role: 'notify',
      async sweep() {
        if (rounds === 2) await new Promise<void>((resolve) => (release = resolve))
      },
    },
  ]
  const sweptAt = async (role: string) => {
    const line = new RegExp(`^anlin_last_sweep_timestamp_seconds{role="${role}"} (.*)$`, 'm')
    return Number(line.exec(await metrics.text())?.[1])
  }
  const sweeper = startSweeping(swept, { clock, log: silent, metrics })
  await vi.waitFor(async () => expect(await sweptAt('notify')).toBe(1_795_399_869), 10_000)
  now += 60_000
  await vi.waitFor(() => expect(rounds).toBe(2), { timeout: 5_000 })
  await vi.waitFor(async () => expect(await sweptAt('rules')).toBe(1_795_399_929), 10_000)
  expect([await sweptAt('escalation'), await sweptAt('notify')]).toEqual([1_795_399_869, 1_795_399_869])
  release()
  await sweeper.close()
})
