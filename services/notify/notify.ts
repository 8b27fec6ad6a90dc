import type { FoldVerdict } from '../core/incident/effect.ts'
import type {
  Hints,
  Incidents,
  IncomingMessages,
  IncomingSms,
  InputSource,
  NewInput,
  SenderAtHand,
  SmsDelivery,
} from '../ports.ts'
import { createIncoming } from './incoming.ts'
import { createReadBack } from './read-back.ts'
import { Sender, wantsNextPerson } from './sender.ts'
import { RECEIPT_WAIT_MS, type SendingPorts } from './sending.ts'

export type NotifyOptions = SendingPorts & {
  hints: Hints
  incoming: IncomingMessages
  people: Pick<Incidents, 'readHome' | 'findResponder' | 'findFormer'>
  /** The escalation's own: folds a person's answer and says what came of it. */
  submit(homeId: string, incidentId: string | null, input: NewInput, source: InputSource): Promise<FoldVerdict>
}

export type Notify = SenderAtHand & {
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
  const { outbox, hints, metrics } = options
  const sender = new Sender(options)
  const incoming = createIncoming(options)
  const readBack = createReadBack({ ...options, onReceipt, onIncomingMessage: incoming.takeStored })
  let closed = false

  async function onReceipt(receipt: SmsDelivery & { outboxId: string }): Promise<void> {
    const moved = await outbox.applyReceipt({ ...receipt, receiptDueInMs: RECEIPT_WAIT_MS })
    if (moved && wantsNextPerson(receipt.state)) hints.hint('incident', moved.homeId)
  }

  async function drain(): Promise<void> {
    await readBack.drain()
    await sender.drain()
  }

  return {
    onHint: () => sender.wake(),
    reserve: (most) => sender.reserve(most),
    async sweep() {
      if (closed) return
      await sender.wakeAll()
      metrics.gauge('anlin_outbox_oldest_seconds', (await outbox.oldestDueMs()) / 1_000)
      readBack.sweep()
      await incoming.sweep()
    },
    onStatusCallback: onReceipt,
    onIncomingMessage: incoming.take,
    drain,
    async close() {
      closed = true
      sender.close()
      readBack.close()
      await drain()
    },
  }
}
