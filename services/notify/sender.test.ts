import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Claim, ClaimedMessage } from '../ports.ts'
import { Sender } from './sender.ts'
import { claimedMessage } from './testing/claimed.ts'
import { machineClock, silent, uncounted } from './testing/quiet-ports.ts'

const MAX_IN_FLIGHT = 16

const messages = (name: string, count: number) =>
  Array.from({ length: count }, (_, nth) => claimedMessage(`${name}-${nth}`))

/** A sender whose outbox holds `waiting`, answers when told, and whose provider takes a while. */
function senderOver(waiting: ClaimedMessage[], answered: () => Promise<unknown> = () => sleep(3)) {
  const sent: string[] = []
  const inFlight = { now: 0, most: 0 }
  const outbox = {
    async claimDue({ limit }: { limit: number }): Promise<Claim> {
      await answered()
      return { nowMs: 0, messages: waiting.splice(0, limit) }
    },
    claimDoubtful: async () => ({ nowMs: 0, messages: [] }),
    settle: async () => true,
  }
  const provider = {
    async send({ body }: { body: string }) {
      sent.push(body)
      inFlight.now += 1
      inFlight.most = Math.max(inFlight.most, inFlight.now)
      await sleep(20 + Math.random() * 20)
      inFlight.now -= 1
      return { outcome: 'accepted', providerId: body }
    },
  }
  const others = { clock: machineClock, log: silent, metrics: uncounted, hints: { hint() {} } }
  const ports = { ...others, outbox, provider, statusCallbackUrl: () => '', random: () => 0 }
  return { sender: new Sender(ports as unknown as ConstructorParameters<typeof Sender>[0]), sent, inFlight }
}

test('what is asked of the outbox and what is reserved share one room', async () => {
  const answer = Promise.withResolvers<void>()
  const { sender, sent, inFlight } = senderOver(messages('waiting', 30), () => answer.promise)
  const woken = sender.wake()
  await sleep(5)
  const reservation = sender.reserve(MAX_IN_FLIGHT)
  reservation?.send({ nowMs: 0, messages: messages('new', reservation.room) })
  answer.resolve()
  await woken
  await sender.drain()
  expect(reservation?.room).toBe(4)
  expect(sent).toHaveLength(34)
  expect(inFlight.most).toBeLessThanOrEqual(MAX_IN_FLIGHT)
})

test('who comes while others wait in the outbox goes behind them', async () => {
  const waiting = messages('old', 60)
  const { sender, sent } = senderOver(waiting)
  const woken = sender.wake()
  await sleep(10)
  for (let nth = 0; waiting.length > 0; nth += 1) {
    const reservation = sender.reserve(1)
    expect(reservation, `while ${waiting.length} wait`).toBeNull()
    waiting.push(claimedMessage(`new-${nth}`))
    await sleep(3)
    if (nth > 200) waiting.length = 0
  }
  await woken
  await sender.drain()
  const firstNew = sent.findIndex((body) => body.startsWith('new'))
  expect(sent.slice(firstNew).filter((body) => body.startsWith('old'))).toEqual([])
})

test('a pass that did not get all the room it needed has later ones wait as well', async () => {
  const { sender } = senderOver([])
  const first = sender.reserve(MAX_IN_FLIGHT + 1)
  expect(first?.room).toBe(MAX_IN_FLIGHT)
  first?.send({ nowMs: 0, messages: [] })
  expect(sender.reserve(1)).toBeNull()
  await sender.wake()
  expect(sender.reserve(1)?.room).toBe(1)
})

test('a drain waits for what has been reserved', async () => {
  const { sender, sent } = senderOver([])
  const reservation = sender.reserve(1)
  let isOver = false
  const drained = sender.drain().then(() => {
    isOver = true
  })
  sender.close()
  await sleep(10)
  expect(isOver).toBe(false)
  reservation?.send({ nowMs: 0, messages: messages('last', 1) })
  await drained
  expect(sent).toEqual(['last-0'])
  expect(sender.reserve(1)).toBeNull()
})
