import { expect, test } from 'vitest'
import type { IncomingSms } from '../ports.ts'
import { createReadBack, type ReadBackOptions } from './read-back.ts'

const START = Date.parse('2026-11-23T02:00:00Z')
const MINUTE = 60_000
const reply = (providerId: string): IncomingSms => ({ providerId, from: '', to: '', body: '1', sentAtMs: START })

type Page = Awaited<ReturnType<ReadBackOptions['provider']['listIncoming']>>

/** A read-back on a clock of its own; `page` is what the provider answers, `taken` what was given on. */
function bench() {
  const at = {
    nowMs: START,
    page: (): Page => ({ messages: [], nextCursor: null }),
    take: async (_message: IncomingSms): Promise<void> => undefined,
    readUntilMs: null as number | null,
    since: [] as number[],
  }
  const readBack = createReadBack({
    clock: { now: () => at.nowMs, monotonicMs: () => at.nowMs },
    log: { info() {}, warn() {}, error() {}, debug() {} },
    hints: { hint() {} },
    outbox: { claimUnanswered: async () => ({ messages: [] }) },
    incoming: {
      readUntilMs: async () => at.readUntilMs,
      async keepReadUntil(ms: number) {
        at.readUntilMs = ms
      },
    },
    provider: {
      async listIncoming({ sinceMs }: { sinceMs: number }) {
        at.since.push((sinceMs - at.nowMs) / MINUTE)
        return at.page()
      },
    },
    onReceipt: async () => undefined,
    onIncomingMessage: (message: IncomingSms) => at.take(message),
  } as unknown as ReadBackOptions)
  const look = async (afterMinutes: number) => {
    at.nowMs += afterMinutes * MINUTE
    readBack.sweep()
    await readBack.drain()
  }
  return { at, look }
}

test('replies are read back from where all of them were read, a day at most, and each minute', async () => {
  const { at, look } = bench()
  await look(0)
  await look(0.5)
  await look(0.5)
  await look(100)
  await look(2 * 24 * 60)
  expect(at.since).toEqual([-24 * 60, -11, -110, -24 * 60])
})

test.each<[string, (at: ReturnType<typeof bench>['at']) => void]>([
  ['could not be asked', (at) => (at.page = () => expect.unreachable())],
  ['had more than one look takes', (at) => (at.page = () => ({ messages: [], nextCursor: 'more' }))],
  [
    'gave one that could not be stored',
    (at) => {
      at.page = () => ({ messages: [reply('SM1')], nextCursor: null })
      at.take = () => Promise.reject(new Error('planted'))
    },
  ],
])('where the provider %s, the next look begins no later', async (_, goWrong) => {
  const { at, look } = bench()
  await look(0)
  const { page, take } = at
  goWrong(at)
  await look(30)
  Object.assign(at, { page, take, since: [] })
  await look(30)
  expect(at.since).toEqual([-70])
})
