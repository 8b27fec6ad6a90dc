import type { DirectMessage } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'

/** The rows of the JSON list in $1. */
export const DIRECT_ROWS = `
  select * from jsonb_to_recordset($1) as n(home_id text, outbox_id text, recipient text, purpose text, priority smallint,
    body_sealed text, phone_sealed text, phone_hash text)`

/** From `direct`; a recipient without a number of their own gets nothing. */
export const INSERT_DIRECT = `
  insert into outbox (home_id, outbox_id, recipient, channel, purpose, priority, phone_sealed, phone_hash, body_sealed, status)
  select d.home_id, d.outbox_id, d.recipient, 'sms', d.purpose, d.priority,
    coalesce(decode(d.phone_sealed, 'hex'), c.phone_sealed, u.phone_sealed),
    coalesce(decode(d.phone_hash, 'hex'), c.phone_hash, u.phone_hash), decode(d.body_sealed, 'hex'), 'pending'
  from direct d
  left join contact c on c.home_id = d.home_id and d.recipient = 'contact:' || c.contact_id
  left join app_user u on d.recipient = 'user:' || u.user_id
  where coalesce(decode(d.phone_sealed, 'hex'), c.phone_sealed, u.phone_sealed) is not null
  on conflict do nothing`

export function directRow(message: DirectMessage, sealing: Sealing) {
  const { phone } = message
  return {
    home_id: message.homeId,
    outbox_id: message.outboxId,
    recipient: message.recipient,
    purpose: message.purpose,
    priority: message.priority,
    body_sealed: sealing.seal(message.body).toString('hex'),
    phone_sealed: phone === null ? null : sealing.seal(phone).toString('hex'),
    phone_hash: phone === null ? null : sealing.phoneHash(phone).toString('hex'),
  }
}
