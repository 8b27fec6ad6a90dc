import type { Claim, ClaimedMessage, Outbox, Settlement } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import { announcerOf } from './changes-announce.ts'
import { DIRECT_ROWS, directRow, INSERT_DIRECT } from './outbox-direct.ts'
import {
  applyReceipt,
  type ReceiptInputType,
  reportMissingReceipt,
  tellIncident,
  unclaimedProviderIds,
} from './outbox-receipts.ts'
import type { Database } from './pool.ts'

/** Longer than any retry or claim may wait: what lies further ahead was written before the clock went back. */
const FURTHEST_AHEAD = "interval '10 minutes'"

type OutboxRow = {
  home_id: string
  outbox_id: string
  incident_id: string | null
  priority: number
  attempts: number
  version: number
  created_at: number
  raised_at: number | null
  provider_id: string | null
  error_code: string | null
  phone_sealed: Buffer
  body_sealed: Buffer
  now: number
}

const COLUMNS = `o.home_id, o.outbox_id, o.incident_id, o.priority, o.attempts, o.version, o.created_at, o.raised_at,
  o.provider_id, o.error_code, o.phone_sealed, o.body_sealed, platform_now() as now`

/** The outbox on PostgreSQL. Every method is one autocommit statement, so a frozen process holds nothing open. */
export function createOutbox(database: Database, sealing: Sealing): Outbox {
  const announce = announcerOf(database)
  async function claim(name: string, text: string, values: unknown[]): Promise<Claim> {
    const { rows } = await database.query<OutboxRow>({ name, text, values })
    const messages = rows.map((row) => claimedMessage(row, sealing))
    messages.sort((one, other) => one.priority - other.priority || one.createdAtMs - other.createdAtMs)
    return { nowMs: rows[0]?.now ?? 0, messages }
  }

  return {
    claimDue: ({ limit, criticalOnly, claimMs }) =>
      claim('outbox-claim-due', CLAIM_DUE, [limit, criticalOnly, claimMs]),
    claimDoubtful: ({ limit, claimMs }) => claim('outbox-claim-doubtful', CLAIM_DOUBTFUL, [limit, claimMs]),
    async freeClaims() {
      const { rowCount } = await database.query(
        "update outbox set claimed_until = platform_now() where status in ('sending', 'unknown') and claimed_until > platform_now()",
      )
      return rowCount ?? 0
    },
    claimUnanswered: ({ limit, nextLookMs, forgetMs }) =>
      claim('outbox-claim-unanswered', CLAIM_UNANSWERED, [limit, nextLookMs, forgetMs]),
    async settle(message, settlement) {
      const settled = await settle(database, message, settlement)
      if (settled && message.incidentId !== null) announce()
      return settled
    },
    async giveBack(claims) {
      const { rows } = await database.query<{ outbox_id: string }>({
        name: 'outbox-give-back',
        text: GIVE_BACK,
        values: [
          claims.map(({ homeId }) => homeId),
          claims.map(({ outboxId }) => outboxId),
          claims.map(({ version }) => version),
        ],
      })
      return rows.map((row) => row.outbox_id)
    },
    reportMissingReceipt: (message) => reportMissingReceipt(database, message),
    async applyReceipt(receipt) {
      const applied = await applyReceipt(database, receipt)
      if (applied) announce()
      return applied
    },
    unclaimedProviderIds: (providerIds) => unclaimedProviderIds(database, providerIds),
    async add(messages) {
      const text = `with direct as (${DIRECT_ROWS}) ${INSERT_DIRECT}`
      await database.query(text, [JSON.stringify(messages.map((message) => directRow(message, sealing)))])
    },
    oldestDueMs: () => oldestDueMs(database),
  }
}

function claimedMessage(row: OutboxRow, sealing: Sealing): ClaimedMessage {
  return {
    homeId: row.home_id,
    outboxId: row.outbox_id,
    incidentId: row.incident_id,
    priority: row.priority,
    attempts: row.attempts,
    version: row.version,
    createdAtMs: row.created_at,
    raisedAtMs: row.raised_at,
    providerId: row.provider_id,
    errorCode: row.error_code,
    reveal: () => ({ to: sealing.open(row.phone_sealed), body: sealing.open(row.body_sealed) }),
  }
}

const CLAIM_DUE = `
  with due as (
    select home_id, outbox_id from outbox
    where status = 'pending' and (priority = 0 or not $2::boolean)
      and (due_at <= platform_now() or due_at > platform_now() + ${FURTHEST_AHEAD})
    order by priority, due_at, created_at limit $1 for update skip locked
  )
  update outbox o
  set status = 'sending', attempts = o.attempts + 1, version = o.version + 1,
      claimed_until = platform_now() + $3::float8 * interval '1 millisecond'
  from due where o.home_id = due.home_id and o.outbox_id = due.outbox_id
  returning ${COLUMNS}`

/** A row keeps the cause it became unknown by; a claim that ran out has none yet. */
const CLAIM_DOUBTFUL = `
  with doubtful as (
    select home_id, outbox_id from outbox
    where (status = 'sending' or (status = 'unknown' and due_at <= platform_now()))
      and (claimed_until is null or claimed_until <= platform_now() or claimed_until > platform_now() + ${FURTHEST_AHEAD})
    order by priority, created_at limit $1 for update skip locked
  )
  update outbox o
  set status = 'unknown', version = o.version + 1, due_at = platform_now(),
      claimed_until = platform_now() + $2::float8 * interval '1 millisecond',
      error_code = case when o.status = 'sending' then 'sender-lost' else o.error_code end
  from doubtful d where o.home_id = d.home_id and o.outbox_id = d.outbox_id
  returning ${COLUMNS}`

const GIVE_BACK = `
  update outbox o
  set status = case when o.unwanted then 'withdrawn' else 'pending' end, attempts = 0, version = o.version + 1,
      claimed_until = null, due_at = platform_now(), settled_at = case when o.unwanted then platform_now() end
  from unnest($1::text[], $2::text[], $3::int8[]) c(home_id, outbox_id, version)
  where o.home_id = c.home_id and o.outbox_id = c.outbox_id and o.version = c.version and o.status = 'sending'
  returning o.outbox_id`

const CLAIM_UNANSWERED = `
  with unanswered as (
    select home_id, outbox_id from outbox
    where status = 'accepted' and (due_at <= platform_now() or due_at > platform_now() + ${FURTHEST_AHEAD})
    order by priority, due_at limit $1 for update skip locked
  )
  update outbox o
  set due_at = case when o.created_at < platform_now() - $3::float8 * interval '1 millisecond' then null
                    else platform_now() + $2::float8 * interval '1 millisecond' end
  from unanswered u where o.home_id = u.home_id and o.outbox_id = u.outbox_id
  returning ${COLUMNS}`

const SETTLE = `
  with settled as (
    update outbox set status = case when $4 = 'pending' and unwanted then 'withdrawn' else $4 end, provider_id = coalesce($5, provider_id), error_code = $6,
      due_at = platform_now() + $7::float8 * interval '1 millisecond', claimed_until = null,
      settled_at = case when $4 in ('delivered', 'failed') or unwanted then platform_now() end, version = version + 1
    where home_id = $1 and outbox_id = $2 and version = $3 and status in ('sending', 'unknown')
    returning home_id, outbox_id, incident_id, recipient, status
  ), duplicate as (
    insert into outbox_duplicate (home_id, outbox_id, cause)
    select home_id, outbox_id, $8 from settled where $8::text is not null and status = 'pending'
    on conflict (home_id, outbox_id, cause) do update set count = outbox_duplicate.count + 1
  ), told as (${tellIncident('settled', '$9', '$6')}
  ), changed as (
    insert into change (kind, home_id, ref)
    select 'incident', home_id, incident_id from settled where incident_id is not null
  )
  select home_id from settled`

async function settle(database: Database, message: ClaimedMessage, settlement: Settlement): Promise<boolean> {
  const { rows } = await database.query({
    name: 'outbox-settle',
    text: SETTLE,
    values: [
      message.homeId,
      message.outboxId,
      message.version,
      ...settlementValues(settlement),
      inputTypeOf(settlement),
    ],
  })
  return rows.length === 1
}

/** status, provider id, error code, due in ms, cause of a duplicate */
function settlementValues(
  settlement: Settlement,
): [string, string | null, string | null, number | null, string | null] {
  switch (settlement.status) {
    case 'accepted':
      return ['accepted', settlement.providerId, null, settlement.receiptDueInMs, null]
    case 'delivered':
      return ['delivered', settlement.providerId, null, null, null]
    case 'pending':
      return ['pending', null, settlement.errorCode, settlement.dueInMs, settlement.duplicateCause]
    case 'unknown':
      return ['unknown', null, settlement.errorCode, settlement.dueInMs, null]
    case 'failed':
      return ['failed', settlement.providerId, settlement.errorCode, null, null]
  }
}

function inputTypeOf({ status }: Settlement): ReceiptInputType | null {
  switch (status) {
    case 'accepted':
      return 'MessageAccepted'
    case 'delivered':
      return 'MessageDelivered'
    case 'unknown':
      return 'MessageUnknown'
    case 'failed':
      return 'MessageFailed'
    case 'pending':
      return null
  }
}

async function oldestDueMs(database: Database): Promise<number> {
  const { rows } = await database.query<{ oldest_ms: number | null }>({
    name: 'outbox-oldest-due',
    text: `select (extract(epoch from platform_now() - min(greatest(due_at, created_at))) * 1000)::float8 as oldest_ms
           from outbox where status = 'pending' and due_at <= platform_now()`,
  })
  return Math.max(0, rows[0]?.oldest_ms ?? 0)
}
