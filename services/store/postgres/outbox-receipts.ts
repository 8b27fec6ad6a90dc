import { NO_RECEIPT, type Receipt } from '../../core/incident/input.ts'
import type { ClaimedMessage, SmsDelivery } from '../../ports.ts'
import type { Database } from './pool.ts'

/** States by rank: a receipt counts only where it leads to a higher one, and nothing leads out of a final state. */
const RANK = `case status when 'pending' then 0 when 'sending' then 1 when 'unknown' then 1 when 'accepted' then 2 else 3 end`
const RECEIPT_RANK: Readonly<Record<SmsDelivery['state'], number>> = { accepted: 2, delivered: 3, failed: 3 }

export type ReceiptInputType = Receipt['type']
const RECEIPT_INPUT: Readonly<Record<SmsDelivery['state'], ReceiptInputType>> = {
  accepted: 'MessageAccepted',
  delivered: 'MessageDelivered',
  failed: 'MessageFailed',
}

/** The incident's input for rows of `source`; nothing where the type is null or the message belongs to no incident. */
export function tellIncident(source: string, typeParameter: string, errorCodeParameter: string): string {
  return `
    insert into incident_input (home_id, incident_id, body)
    select home_id, incident_id, jsonb_build_object('type', ${typeParameter}::text, 'outboxId', outbox_id,
      'recipient', recipient)
      || case when ${typeParameter} = 'MessageFailed'
           then jsonb_build_object('permanent', true, 'errorCode', ${errorCodeParameter}::text) else '{}' end
    from ${source} where ${typeParameter}::text is not null and incident_id is not null`
}

/**
 * A failure counts only for the attempt that the row stands for: of a message sent twice after an unknown outcome,
 * one may fail and the other arrive.
 */
const APPLY_RECEIPT = `
  with moved as (
    update outbox set status = $3, provider_id = case when $3 = 'failed' then coalesce(provider_id, $2) else $2 end,
      error_code = $4, due_at = case when $3 = 'accepted' then platform_now() + $6::float8 * interval '1 millisecond' end,
      claimed_until = null, settled_at = case when $3 <> 'accepted' then platform_now() end, version = version + 1
    where outbox_id = $1 and attempts > 0 and ${RANK} < $5
      and ($3 <> 'failed' or provider_id is null or provider_id = $2)
    returning home_id, outbox_id, incident_id, recipient
  ), told as (${tellIncident('moved', '$7', '$4')}
  ), changed as (
    insert into change (kind, home_id, ref)
    select 'incident', home_id, incident_id from moved where incident_id is not null
  )
  select home_id from moved`

export async function applyReceipt(
  database: Database,
  receipt: SmsDelivery & { outboxId: string; receiptDueInMs: number },
): Promise<{ homeId: string } | null> {
  const { outboxId, providerId, state, errorCode, receiptDueInMs } = receipt
  const { rows } = await database.query<{ home_id: string }>({
    name: 'outbox-apply-receipt',
    text: APPLY_RECEIPT,
    values: [outboxId, providerId, state, errorCode, RECEIPT_RANK[state], receiptDueInMs, RECEIPT_INPUT[state]],
  })
  return rows[0] ? { homeId: rows[0].home_id } : null
}

/** The error code marks that the incident was told, so that it is told once. */
const REPORT_MISSING = `
  with marked as (
    update outbox set error_code = '${NO_RECEIPT}', version = version + 1
    where home_id = $1 and outbox_id = $2 and status = 'accepted' and error_code is distinct from '${NO_RECEIPT}'
    returning home_id, outbox_id, incident_id, recipient
  ), told as (${tellIncident('marked', "'MessageFailed'", `'${NO_RECEIPT}'`)}
  )
  select home_id from marked`

export async function reportMissingReceipt(database: Database, message: ClaimedMessage): Promise<boolean> {
  const { rows } = await database.query({
    name: 'outbox-report-missing',
    text: REPORT_MISSING,
    values: [message.homeId, message.outboxId],
  })
  return rows.length === 1
}

export async function unclaimedProviderIds(database: Database, providerIds: string[]): Promise<string[]> {
  const { rows } = await database.query<{ provider_id: string }>(
    `select provider_id from unnest($1::text[]) as asked(provider_id)
     where not exists (select from outbox o where o.provider_id = asked.provider_id)`,
    [providerIds],
  )
  return rows.map((row) => row.provider_id)
}
