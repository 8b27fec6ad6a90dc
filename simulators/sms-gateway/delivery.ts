import type { Fault } from './faults.ts'
import type { Message, MessageStatus, MessageStore } from './message-store.ts'
import type { Webhooks } from './webhooks.ts'

/** At this many waiting steps the next one happens at once instead of after its delay. */
const MAX_WAITING_STEPS = 50_000

export type DeliveryTimes = { sentAfterMs: number; deliveredAfterMs: number }

export type Delivery = ReturnType<typeof createDelivery>

/** Moves accepted messages queued → sent → delivered and tells whoever asked for receipts. */
export function createDelivery(store: MessageStore, webhooks: Webhooks, accountSid: string, times: DeliveryTimes) {
  const timers = new Set<NodeJS.Timeout>()

  function later(delayMs: number, step: () => void): void {
    if (timers.size >= MAX_WAITING_STEPS) {
      step()
      return
    }
    const timer = setTimeout(() => {
      timers.delete(timer)
      step()
    }, delayMs)
    timers.add(timer)
  }

  function start(message: Message, fault: Fault): void {
    const final: MessageStatus | null =
      fault.mode === 'accepted-never-delivered' ? null : fault.mode === 'undelivered' ? 'undelivered' : 'delivered'
    later(times.sentAfterMs, () => {
      store.move(message, 'sent', null)
      sendReceipt(message, fault)
      if (final === null) return
      later(times.deliveredAfterMs, () => {
        store.move(message, final, final === 'undelivered' ? fault.errorCode : null)
        sendReceipt(message, fault)
      })
    })
  }

  function sendReceipt(message: Message, fault: Fault): void {
    const url = message.statusCallback
    if (url === null || fault.mode === 'no-receipts') return
    const params = receiptParams(accountSid, message)
    if (fault.mode === 'late-receipts') {
      later(fault.delayMs, () => webhooks.post(url, params))
      return
    }
    webhooks.post(url, params)
    // The repeat of "sent" comes after "delivered": doubled receipts are out of order as well.
    if (fault.mode === 'duplicate-receipts') later(times.deliveredAfterMs * 2, () => webhooks.post(url, params))
  }

  return {
    start,
    later,
    close: (): void => {
      for (const timer of timers) clearTimeout(timer)
      timers.clear()
    },
  }
}

function receiptParams(accountSid: string, message: Message): Record<string, string> {
  return {
    AccountSid: accountSid,
    ApiVersion: '2010-04-01',
    From: message.from,
    MessageSid: message.sid,
    MessageStatus: message.status,
    SmsSid: message.sid,
    SmsStatus: message.status,
    To: message.to,
    ...(message.errorCode === null ? {} : { ErrorCode: String(message.errorCode) }),
  }
}
