import type { FoldVerdict } from '../core/incident/effect.ts'
import type { Claim, Hints, Incidents, IncomingMessages, IncomingSms, NewInput, SmsDelivery } from '../ports.ts'
import { createIncoming } from './incoming.ts'
import { createReadBack } from './read-back.ts'
import {
  CLAIM_MS,
  type Claimed,
  codeOf,
  lookUpDoubtful,
  RECEIPT_WAIT_MS,
  type SendingPorts,
  sendClaimed,
} from './sending.ts'

/** Requests at once; the provider's connections are as many and some more. The rest waits in the outbox, in order. */
const MAX_IN_FLIGHT = 16
/** Of these, so many are for critical messages alone: hanging warnings must not stand in an alarm's way. */
const KEPT_FOR_CRITICAL = 4
/** Look-ups of unknown outcomes at once. */
const MAX_LOOK_UPS = 8

export type NotifyOptions = SendingPorts & {
  hints: Hints
  incoming: IncomingMessages
  people: Pick<Incidents, 'readHome' | 'findResponder'>
  /** The escalation's own: folds a person's answer and says what came of it. */
  submit(homeId: string, incidentId: string | null, input: NewInput): Promise<FoldVerdict>
}

export type Notify = {
  /** The listener of the topic `outbox`; ends when nothing more can be taken up. Never throws. */
  onHint(): Promise<void>
  /** Once a second: what lost its hint, is to be tried again, or whose outcome or receipt is missing. */
  sweep(): Promise<void>
  /** A receipt. Ends after the commit: only then is it answered. @throws when the database is away */
  onStatusCallback(receipt: SmsDelivery & { outboxId: string }): Promise<void>
  /** A person's SMS. Ends after the commit. @throws when the database is away */
  onIncomingMessage(message: IncomingSms): Promise<void>
  /** Ends when every message that is due now has been sent and its result written. */
  drain(): Promise<void>
  /** Takes up nothing more, finishes what is being sent. */
  close(): Promise<void>
}

export function startNotify(options: NotifyOptions): Notify {
  const { outbox, hints, clock, log } = options
  const incoming = createIncoming(options)
  const readBack = createReadBack({ ...options, onReceipt, onIncomingMessage: incoming.take })
  const running = new Set<Promise<void>>()
  let lookUps = 0
  let sends = 0
  let pumping: Promise<void> | null = null
  let again = false
  let closed = false

  /** Begins with as many due messages as there is room for; what ends makes room and pumps again. */
  async function pump(): Promise<void> {
    while (!closed) {
      const free = MAX_IN_FLIGHT - sends
      const forAll = free - KEPT_FOR_CRITICAL
      if (free <= 0) return
      const limit = forAll > 0 ? forAll : free
      const asked = { limit, criticalOnly: forAll <= 0, claimMs: CLAIM_MS }
      const claimed = await claim(() => outbox.claimDue(asked))
      for (const message of claimed) begin('send', message)
      if (claimed.length < limit) return
    }
  }

  async function pumpDoubtful(): Promise<void> {
    const limit = MAX_LOOK_UPS - lookUps
    if (closed || limit <= 0) return
    for (const message of await claim(() => outbox.claimDoubtful({ limit, claimMs: CLAIM_MS })))
      begin('look-up', message)
  }

  /** The moment before asking is when our claim began at the latest. */
  async function claim(ask: () => Promise<Claim>): Promise<Claimed[]> {
    const claimedAtMonotonicMs = clock.monotonicMs()
    const { messages, nowMs } = await ask()
    return messages.map((message) => ({ message, claimedAtMonotonicMs, nowMs }))
  }

  function begin(what: 'send' | 'look-up', claimed: Claimed): void {
    const { homeId, incidentId, outboxId } = claimed.message
    if (what === 'send') sends += 1
    else lookUps += 1
    const work = (what === 'send' ? sendClaimed(options, claimed) : lookUpDoubtful(options, claimed))
      .then(
        (settled) => {
          if (incidentId !== null && settled !== 'pending' && settled !== 'lost') hints.hint('incident', homeId)
        },
        // The row stays in `sending`: when its claim runs out it is an unknown outcome.
        (error) => log.error({ outboxId, homeId, code: codeOf(error) }, 'what became of a message was not written'),
      )
      .finally(() => {
        if (what === 'send') sends -= 1
        else lookUps -= 1
        running.delete(work)
        if (!closed) void wake()
      })
    running.add(work)
  }

  /** One pump at a time; asked for meanwhile, it goes round once more. */
  function wake(): Promise<void> {
    again = true
    pumping ??= (async () => {
      try {
        while (again && !closed) {
          again = false
          await pump()
          await pumpDoubtful()
        }
      } catch (error) {
        log.error({ code: codeOf(error) }, 'the outbox could not be read; the next sweep tries again')
      } finally {
        pumping = null
      }
    })()
    return pumping
  }

  async function onReceipt(receipt: SmsDelivery & { outboxId: string }): Promise<void> {
    const moved = await outbox.applyReceipt({ ...receipt, receiptDueInMs: RECEIPT_WAIT_MS })
    if (moved) hints.hint('incident', moved.homeId)
  }

  async function drain(): Promise<void> {
    await readBack.drain()
    while (pumping !== null || running.size > 0) {
      await pumping
      await Promise.allSettled(running)
    }
  }

  return {
    onHint: wake,
    async sweep() {
      if (closed) return
      await wake()
      await readBack.sweep()
      await incoming.sweep()
    },
    onStatusCallback: onReceipt,
    onIncomingMessage: incoming.take,
    drain,
    async close() {
      closed = true
      readBack.close()
      await drain()
    },
  }
}
