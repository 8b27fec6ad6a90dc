import type {
  ClaimedMessage,
  Clock,
  Hints,
  IncomingMessages,
  IncomingSms,
  Log,
  Outbox,
  SmsDelivery,
  SmsProvider,
} from '../ports.ts'
import { codeOf } from './sending.ts'

/** Providers do not repeat what they pushed while we were away: asked for at the start and this often. */
const READ_BACK_EVERY_MS = 60_000
/** Before what was read back: the provider may list a reply later than it was sent. */
const OVERLAP_MS = 10 * 60_000
/** Where nothing was read back yet; nobody answers an older alarm. */
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
  const { clock, log } = options
  const ending = new AbortController()
  let lastReadMs = Number.NEGATIVE_INFINITY
  let running: Promise<void> | null = null

  async function quietly(what: string, work: Promise<void>): Promise<void> {
    await work.catch((error) => log.warn({ code: codeOf(error), what }, 'reading back from the provider failed'))
  }

  return {
    /** Begins what is due; not awaited, for a slow provider must not hold up the sweep. */
    sweep(): void {
      if (ending.signal.aborted || running !== null) return
      const monotonicMs = clock.monotonicMs()
      const repliesDue = monotonicMs - lastReadMs >= READ_BACK_EVERY_MS
      if (repliesDue) lastReadMs = monotonicMs
      running = Promise.all([
        repliesDue ? quietly('replies', readReplies(options, ending.signal)) : undefined,
        quietly('receipts', askAfterReceipts(options, ending.signal)),
      ]).then(() => {
        running = null
      })
    },
    async drain(): Promise<void> {
      await running
    },
    close(): void {
      ending.abort()
    },
  }
}

async function readReplies(options: ReadBackOptions, ending: AbortSignal): Promise<void> {
  const { incoming, provider, clock } = options
  const nowMs = clock.now()
  const furthestMs = nowMs - FURTHEST_BACK_MS
  // From the last time that all of them were read: what was pushed since says nothing of what was not.
  const readUntilMs = (await incoming.readUntilMs()) ?? furthestMs
  const sinceMs = Math.max(furthestMs, Math.min(readUntilMs, nowMs) - OVERLAP_MS)
  const missed: IncomingSms[] = []
  let cursor: string | undefined
  let isAll = false
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const read = await provider.listIncoming({ sinceMs, limit: PAGE_SIZE, ...(cursor === undefined ? {} : { cursor }) })
    missed.push(...read.messages)
    isAll = read.nextCursor === null
    if (read.nextCursor === null) break
    cursor = read.nextCursor
  }
  // Oldest first, as they were meant; those we have change nothing.
  for (const message of missed.reverse()) {
    if (ending.aborted) return
    await options.onIncomingMessage(message)
  }
  if (isAll) await incoming.keepReadUntil(nowMs)
}

async function askAfterReceipts(options: ReadBackOptions, ending: AbortSignal): Promise<void> {
  const { messages } = await options.outbox.claimUnanswered({
    limit: MAX_STATUSES,
    nextLookMs: READ_BACK_EVERY_MS,
    forgetMs: FORGET_RECEIPT_MS,
  })
  const waiting = [...messages]
  const askInTurn = async () => {
    for (let message = waiting.shift(); message !== undefined && !ending.aborted; message = waiting.shift()) {
      await askAfter(options, message)
    }
  }
  await Promise.all(Array.from({ length: MAX_STATUS_REQUESTS_AT_ONCE }, askInTurn))
}

async function askAfter(options: ReadBackOptions, message: ClaimedMessage): Promise<void> {
  const { outbox, provider, hints, log } = options
  const { outboxId, homeId, providerId } = message
  // A provider that cannot be asked has not said that it arrived, either.
  const delivery = providerId === null ? null : await provider.fetchStatus(providerId).catch(() => null)
  if (delivery && delivery.state !== 'accepted') {
    await options.onReceipt({ ...delivery, outboxId })
  } else if (await outbox.reportMissingReceipt(message)) {
    log.warn({ outboxId, homeId }, 'no receipt came in time')
    hints.hint('incident', homeId)
  }
}
