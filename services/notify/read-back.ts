import type { Clock, Hints, IncomingMessages, IncomingSms, Log, Outbox, SmsDelivery, SmsProvider } from '../ports.ts'
import { codeOf } from './sending.ts'

/** Providers do not repeat what they pushed while we were away: asked for at the start and this often. */
const READ_BACK_EVERY_MS = 60_000
/** Before the newest reply we have: the provider may list one later than it was sent. */
const OVERLAP_MS = 10 * 60_000
/** Without any reply yet; nobody answers an older alarm. */
const FURTHEST_BACK_MS = 24 * 3_600_000
const PAGE_SIZE = 200
/** More missed replies than this are read by the next read-back. */
const MAX_PAGES = 25
/** Receipts asked after at once; those of critical messages first. */
const MAX_STATUSES = 50
const MAX_STATUS_REQUESTS_AT_ONCE = 8
/** An accepted message is asked after again and again until it is so old. */
const FORGET_RECEIPT_MS = 4 * 3_600_000

export type ReadBackOptions = {
  outbox: Outbox
  incoming: IncomingMessages
  provider: SmsProvider
  hints: Hints
  clock: Clock
  log: Log
  onReceipt(receipt: SmsDelivery & { outboxId: string }): Promise<void>
  onIncomingMessage(message: IncomingSms): Promise<void>
}

/** Fetches what was missed: replies nobody pushed to us, and receipts that did not come. */
export function createReadBack(options: ReadBackOptions) {
  const { outbox, incoming, provider, hints, clock, log } = options
  let lastReadMs = Number.NEGATIVE_INFINITY
  let running: Promise<void> | null = null
  let closed = false

  async function readReplies(): Promise<void> {
    const lastSentAtMs = await incoming.lastSentAtMs()
    const furthestMs = clock.now() - FURTHEST_BACK_MS
    const sinceMs = Math.max(furthestMs, (lastSentAtMs ?? furthestMs) - OVERLAP_MS)
    const missed: IncomingSms[] = []
    let cursor: string | undefined
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const read = await provider.listIncoming({
        sinceMs,
        limit: PAGE_SIZE,
        ...(cursor === undefined ? {} : { cursor }),
      })
      missed.push(...read.messages)
      if (read.nextCursor === null) break
      cursor = read.nextCursor
    }
    // Oldest first, as they were meant; those we have change nothing.
    for (const message of missed.reverse()) {
      if (closed) return
      await options.onIncomingMessage(message)
    }
  }

  async function askAfterReceipts(): Promise<void> {
    const { messages } = await outbox.claimUnanswered({
      limit: MAX_STATUSES,
      nextLookMs: READ_BACK_EVERY_MS,
      forgetMs: FORGET_RECEIPT_MS,
    })
    const waiting = [...messages]
    const ask = async () => {
      for (let message = waiting.shift(); message !== undefined && !closed; message = waiting.shift()) {
        const delivery = message.providerId === null ? null : await provider.fetchStatus(message.providerId)
        if (delivery && delivery.state !== 'accepted') {
          await options.onReceipt({ ...delivery, outboxId: message.outboxId })
        } else if (await outbox.reportMissingReceipt(message)) {
          log.warn({ outboxId: message.outboxId, homeId: message.homeId }, 'no receipt came in time')
          hints.hint('incident', message.homeId)
        }
      }
    }
    await Promise.all(Array.from({ length: MAX_STATUS_REQUESTS_AT_ONCE }, ask))
  }

  async function quietly(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      log.warn({ code: codeOf(error), what }, 'reading back from the provider failed')
    }
  }

  return {
    /** Begins what is due; not awaited, for a slow provider must not hold up the sweep. */
    sweep(): void {
      if (closed || running !== null) return
      const monotonicMs = clock.monotonicMs()
      const repliesDue = monotonicMs - lastReadMs >= READ_BACK_EVERY_MS
      if (repliesDue) lastReadMs = monotonicMs
      running = Promise.all([
        repliesDue ? quietly('replies', readReplies) : undefined,
        quietly('receipts', askAfterReceipts),
      ]).then(() => {
        running = null
      })
    },
    async drain(): Promise<void> {
      await running
    },
    close(): void {
      closed = true
    },
  }
}
