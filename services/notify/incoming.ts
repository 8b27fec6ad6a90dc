import type { IncomingSms } from '../ports.ts'
import { judge } from './judge.ts'
import type { NotifyOptions } from './notify.ts'
import { codeOf } from './sending.ts'

/** A stored reply that nobody has judged after this was left by a crash. */
const WAITED_MS = 10_000
const MAX_WAITING_PER_SWEEP = 50

type Stored = Awaited<ReturnType<NotifyOptions['incoming']['record']>>

/** What people write to us: stored, judged, folded, answered. The same message again changes nothing. */
export function createIncoming(options: NotifyOptions) {
  const { incoming, hints, log, metrics } = options

  /** Ends after the commit. @throws when the database is away: the provider is not told that we have it */
  async function take(message: IncomingSms): Promise<void> {
    await judgeStored(message, await incoming.record(message))
  }

  async function judgeStored(message: IncomingSms, { judged, receivedAtMs, sentAtMs }: Stored): Promise<void> {
    if (judged) return
    const { verdict, answers } = await judge(options, { ...message, sentAtMs }, receivedAtMs)
    await incoming.settle(message.providerId, verdict, answers)
    metrics.count('anlin_replies_total', 1, { verdict })
    if (answers.length > 0) hints.hint('outbox', '')
  }

  /** Of several: one that cannot be judged is left to the next sweep and keeps nobody else's reply waiting. */
  async function takeQuietly(message: IncomingSms): Promise<void> {
    await take(message).catch((error) => tellOf(message, error))
  }

  /** @throws when it is not stored: then it has to be read once more */
  async function takeStored(message: IncomingSms): Promise<void> {
    const stored = await incoming.record(message)
    await judgeStored(message, stored).catch((error) => tellOf(message, error))
  }

  function tellOf({ providerId }: IncomingSms, error: unknown): void {
    log.error({ providerId, code: codeOf(error) }, 'a reply could not be judged')
  }

  return {
    take,
    takeStored,
    /** What was stored and never judged, because we ended in between. */
    async sweep(): Promise<void> {
      for (const message of await incoming.waiting({ waitedMs: WAITED_MS, limit: MAX_WAITING_PER_SWEEP })) {
        await takeQuietly(message)
      }
    },
  }
}
