import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { connectRaw, type RawPublisher } from '../homes/raw-publisher.ts'
import { accountOf, type BenchHome, type Ground } from './ground.ts'

const REQUEST_WITHIN_MS = 60_000
const PRESS_FOR_MS = 40_000
const CONNECTING_AT_ONCE = 20

export type Presses = {
  pressed: number
  /** Acknowledged to the button. */
  acknowledged: number
  /** Without a request within REQUEST_WITHIN_MS; it may still have come later. */
  lost: number
  p50Ms: number
  p99Ms: number
  longestMs: number
}

/**
 * One press in each of these homes, each after the one before has reached the provider and `pauseMs` have passed. After
 * PRESS_FOR_MS no further ones are begun: where a press takes seconds, some of them tell as much.
 */
export async function pressInTurn(ground: Ground, homes: BenchHome[], pauseMs: () => number): Promise<Presses> {
  const buttons = await connectButtons(ground, homes)
  const tookMs: number[] = []
  const startedAt = performance.now()
  for (const [index, home] of homes.entries()) {
    if (performance.now() - startedAt > PRESS_FOR_MS) break
    const button = buttons[index]
    if (!button) continue
    await wait(pauseMs())
    tookMs.push(await press(ground, button, home))
  }
  await Promise.all(
    buttons.map((button) => Promise.race([button.drained(), wait(REQUEST_WITHIN_MS, undefined, { ref: false })])),
  )
  const acknowledged = buttons.reduce((sum, button) => sum + button.acknowledged, 0)
  await Promise.all(buttons.map((button) => button.end()))
  const arrived = tookMs.filter(Number.isFinite).sort((a, b) => a - b)
  return {
    pressed: tookMs.length,
    acknowledged,
    lost: tookMs.length - arrived.length,
    p50Ms: percentile(arrived, 0.5),
    p99Ms: percentile(arrived, 0.99),
    longestMs: percentile(arrived, 1),
  }
}

/** From the write of the PUBLISH to the provider's first request for this home's keyholder, in ms. */
async function press(ground: Ground, button: RawPublisher, home: BenchHome): Promise<number> {
  const body = { id: randomUUID(), at: Date.now(), kind: 'sos', state: 'pressed' }
  const topic = Buffer.from(`care/v1/${home.id}/sos-bath/event`)
  const startedAt = performance.now()
  button.publish(topic, JSON.stringify(body))
  const late = wait(REQUEST_WITHIN_MS, Number.POSITIVE_INFINITY, { ref: false })
  return (await Promise.race([ground.provider.firstRequestTo(home.phone), late])) - startedAt
}

async function connectButtons(ground: Ground, homes: BenchHome[]): Promise<RawPublisher[]> {
  const buttons: RawPublisher[] = new Array(homes.length)
  let next = 0
  const connectNext = async () => {
    while (next < homes.length) {
      const index = next++
      const home = homes[index]
      if (!home) return
      const { username, password } = accountOf(home, 'sos-bath')
      buttons[index] = await connectRaw({ ...ground.address, username, password, clientId: 'button', ownWrites: true })
    }
  }
  await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, connectNext))
  return buttons
}

/** Nearest rank; `sorted` ascending. */
export function percentile(sorted: number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}
