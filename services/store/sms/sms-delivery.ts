import type { SmsDelivery } from '../../ports.ts'

/** Final states share the highest rank, so nothing follows them. */
const RANK: Readonly<Record<SmsDelivery['state'], number>> = { accepted: 1, delivered: 2, failed: 2 }

const STATE_OF_STATUS: Readonly<Record<string, SmsDelivery['state']>> = {
  accepted: 'accepted',
  scheduled: 'accepted',
  queued: 'accepted',
  sending: 'accepted',
  sent: 'accepted',
  partially_delivered: 'accepted',
  delivered: 'delivered',
  read: 'delivered',
  undelivered: 'failed',
  failed: 'failed',
  canceled: 'failed',
}

/** Our state for one of Twilio's message statuses; null for those of incoming messages and for words unknown to us. */
export function deliveryStateOf(twilioStatus: string): SmsDelivery['state'] | null {
  return Object.hasOwn(STATE_OF_STATUS, twilioStatus) ? (STATE_OF_STATUS[twilioStatus] ?? null) : null
}

/** Receipts come late, twice and out of order: only one that leads further counts. */
export function leadsFurther(from: SmsDelivery['state'], to: SmsDelivery['state']): boolean {
  return RANK[to] > RANK[from]
}
