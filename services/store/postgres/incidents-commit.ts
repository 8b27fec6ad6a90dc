import { isCritical } from '../../core/message/priority.ts'
import type { Claim, ClaimAtOnce, ClaimedMessage, EscalationCommit } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import { eventRow, incidentRow, inputRow, messageRow } from './incidents-commit-rows.ts'
import { type Database, errorCode } from './pool.ts'
import { sealFacts } from './sealed-facts.ts'

/** A link in a message may be used this long. */
const LINK_HOURS = 72
/** What a statement ends with when somebody else was faster: our own check, a deadlock, a row that is already there. */
const LOST_RACE: readonly string[] = ['40001', '40P01', '23505']

/**
 * One autocommit statement: all of a pass or nothing, and a process frozen in the middle holds no transaction open.
 * Every compare-and-set is counted at the end, and one that failed takes the whole statement back.
 */
export const PASS = `
  passed as (
    insert into escalation_pass (home_id, pass, now, facts_hash, public_url, used_codes)
    values ($1, $15, to_timestamp($2::float8 / 1000), $13, $16, $17)
  ), changed_incident as (
    update incident i set severity = n.severity, condition = n.condition, status = n.status,
      resolved_at = to_timestamp(n.resolved_at / 1000), wake_at = to_timestamp(n.wake_at / 1000),
      folded_at = to_timestamp($2::float8 / 1000), version = n.version, state = n.state,
      next_step = n.next_step
    from jsonb_to_recordset($3) as n(incident_id text, expected bigint, severity text, condition text, status text,
      resolved_at float8, wake_at float8, version bigint, state jsonb, next_step jsonb)
    where i.home_id = $1 and i.incident_id = n.incident_id and i.version = n.expected
    returning 1
  ), new_incident as (
    insert into incident (home_id, incident_id, scope, kind, subject, severity, condition, status, opened_at, resolved_at,
      wake_at, folded_at, version, state, next_step)
    select $1, n.incident_id, n.scope, n.kind, n.subject, n.severity, n.condition, n.status,
      to_timestamp(n.opened_at / 1000), to_timestamp(n.resolved_at / 1000), to_timestamp(n.wake_at / 1000),
      to_timestamp($2::float8 / 1000), n.version, n.state, n.next_step
    from jsonb_to_recordset($4) as n(incident_id text, scope text, kind text, subject text, severity text, condition text,
      status text, opened_at float8, resolved_at float8, wake_at float8, version bigint, state jsonb, next_step jsonb)
  ), applied as (
    update incident_input i set applied_at = to_timestamp($2::float8 / 1000), incident_id = n.incident_id,
      applied_version = n.applied_version, applied_pass = $15, result = n.result, rejected = n.rejected
    from jsonb_to_recordset($5) as n(input_id bigint, incident_id text, applied_version bigint, result jsonb, rejected text)
    where i.home_id = $1 and i.input_id = n.input_id and i.applied_at is null
    returning 1
  ), timers as (
    insert into incident_input (home_id, incident_id, body, applied_at, applied_version, applied_pass)
    select $1, n.incident_id, '{"type":"TimerFired"}', to_timestamp($2::float8 / 1000), n.applied_version, $15
    from jsonb_to_recordset($6) as n(incident_id text, applied_version bigint)
  ), facts as (
    insert into escalation_facts (home_id, facts_hash, facts_sealed)
    values ($1, $13, $14) on conflict do nothing
  ), story as (
    insert into incident_event (home_id, incident_id, seq, at, type, body)
    select $1, n.incident_id, n.seq, to_timestamp(n.at / 1000), n.type, n.body
    from jsonb_to_recordset($7) as n(incident_id text, seq integer, at float8, type text, body jsonb)
  ), written as (
    select n.*, coalesce(c.phone_sealed, u.phone_sealed) as phone_sealed, coalesce(c.phone_hash, u.phone_hash) as phone_hash
    from jsonb_to_recordset($8) as n(outbox_id text, incident_id text, recipient text, purpose text, priority smallint,
      code smallint, body_sealed text, raised_at float8, token_hash text, seen_xid text,
      ordinal integer, claimed boolean)
    left join contact c on c.home_id = $1 and n.recipient = 'contact:' || c.contact_id
    left join app_user u on n.recipient = 'user:' || u.user_id
  ), sent as (
    insert into outbox (home_id, outbox_id, incident_id, recipient, channel, purpose, priority, code, phone_sealed,
      phone_hash, body_sealed, status, attempts, version, claimed_until, raised_at, created_at)
    select $1, outbox_id, incident_id, recipient, 'sms', purpose, priority, code, phone_sealed, phone_hash,
      -- As the outbox's own claim would leave it, but for the version.
      decode(body_sealed, 'hex'), case when claimed then 'sending' else 'pending' end, claimed::int,
      case when claimed then $19::int8 else 0 end,
      case when claimed then platform_now() + $18::float8 * interval '1 millisecond' end, to_timestamp(raised_at / 1000),
      -- In the order in which they were decided, and so sent.
      (select platform_now()) + ordinal * interval '1 microsecond'
    from written where phone_sealed is not null
    returning outbox_id, phone_sealed, created_at, status
  ), no_phone as (
    insert into incident_input (home_id, incident_id, body)
    select $1, incident_id, jsonb_build_object('type', 'MessageFailed', 'outboxId', outbox_id, 'recipient', recipient,
      'permanent', true, 'errorCode', 'no-phone')
    from written where phone_sealed is null
  ), code_wanted as (
    select distinct on (phone_hash, code) phone_hash, code, incident_id, seen_xid from written
    where code is not null and phone_hash is not null
  ), code_given as (
    insert into phone_code as p (phone_hash, code, home_id, incident_id, given_at)
    select phone_hash, code, $1, incident_id, platform_now() from code_wanted
    on conflict (phone_hash, code) do update
      set home_id = excluded.home_id, incident_id = excluded.incident_id, given_at = excluded.given_at
      where p.incident_id = excluded.incident_id
        or p.xmin::text = (select w.seen_xid from code_wanted w where w.phone_hash = p.phone_hash and w.code = p.code)
    returning 1
  ), links as (
    insert into incident_link (token_hash, home_id, incident_id, recipient, expires_at)
    select decode(token_hash, 'hex'), $1, incident_id, recipient, platform_now() + interval '${LINK_HOURS} hours'
    from written where token_hash is not null
  ), withdrawn as (
    update outbox set unwanted = true,
      status = case status when 'pending' then 'withdrawn' else status end,
      settled_at = case status when 'pending' then platform_now() end,
      -- While it is being sent the version stays: the sender still has to write down what became of it.
      version = case status when 'pending' then version + 1 else version end
    where home_id = $1 and outbox_id = any($9) and status in ('pending', 'sending', 'unknown')
  ), changed as (
    insert into change (kind, home_id, ref) select 'incident', $1, ref from unnest($10::text[]) as ref
  )`
/** `$12`: how many of its inputs were written before. */
export const PASS_STANDS = `
  refuse_lost_race((select count(*) from changed_incident), $11),
    refuse_lost_race((select count(*) from applied), $12),
    refuse_lost_race((select count(*) from code_given), (select count(*) from code_wanted)),
    -- What was written before the last of them and was not read: a home's inputs are folded in their order.
    refuse_lost_race((select count(*) from incident_input
      where home_id = $1 and applied_at is null and input_id <= $20), $12),
    floor(extract(epoch from platform_now()) * 1000)::float8 as now_ms,
    (select json_object_agg(outbox_id, json_build_object('phone', encode(phone_sealed, 'hex'), 'createdMs',
       extract(epoch from created_at) * 1000)) from sent where status = 'sending') as claimed`

const COMMIT = `with ${PASS} select ${PASS_STANDS}`

export type CommitRow = { now_ms: number; claimed: Record<string, { phone: string; createdMs: number }> | null }

export async function commitIncidents(
  database: Database,
  sealing: Sealing,
  commit: EscalationCommit,
  claim: ClaimAtOnce | null,
): Promise<Claim | null> {
  const { values, readClaim } = passValues(commit, claim, sealing, commit.inputs.length)
  try {
    const { rows } = await database.query<CommitRow>({ name: 'incident-commit', text: COMMIT, values })
    return readClaim(rows[0])
  } catch (error) {
    if (isLostRace(error)) return null
    throw new Error(`commit the incidents of home ${commit.homeId}`, { cause: error })
  }
}

export function isLostRace(error: unknown): boolean {
  return LOST_RACE.includes(errorCode(error))
}

/**
 * Of `PASS` and `PASS_STANDS`, and how their answer is read.
 * @param written how many of its inputs were written before
 */
export function passValues(
  commit: EscalationCommit,
  claim: ClaimAtOnce | null,
  sealing: Sealing,
  written: number,
): { values: unknown[]; readClaim(row: CommitRow | undefined): Claim } {
  const known = commit.incidents.filter(({ expectedVersion }) => expectedVersion !== null)
  const opened = commit.incidents.filter(({ expectedVersion }) => expectedVersion === null)
  const facts = sealFacts(commit.view.facts, sealing)
  const messages = commit.messages.map((message) => messageRow(message, commit.view.codes, sealing))
  const critical = commit.messages.filter((message) => isCritical(message.priority))
  const claimable = new Set(critical.slice(0, claim?.room ?? 0).map((message) => message.outboxId))
  const timers = commit.timers.map((timer) => ({
    incident_id: timer.incidentId,
    applied_version: timer.appliedVersion,
  }))
  const values = [
    commit.homeId,
    commit.nowMs,
    JSON.stringify(known.map(incidentRow)),
    JSON.stringify(opened.map(incidentRow)),
    JSON.stringify(commit.inputs.map(inputRow)),
    JSON.stringify(timers),
    JSON.stringify(commit.events.map((story) => eventRow(story, sealing))),
    JSON.stringify(messages.map((row, ordinal) => ({ ...row, ordinal, claimed: claimable.has(row.outbox_id) }))),
    commit.withdrawnOutboxIds,
    commit.changedIncidentIds,
    known.length,
    written,
    facts.hash,
    facts.sealed,
    commit.view.lastPass + 1,
    commit.publicUrl,
    Object.keys(commit.usedCodes).length > 0 ? JSON.stringify(commit.usedCodes) : null,
    claim?.claimMs ?? null,
    claim?.version ?? null,
    commit.inputs.reduce((last, { inputId }) => Math.max(last, Number(inputId)), 0),
  ]
  return {
    values,
    readClaim: (row) => ({
      nowMs: row?.now_ms ?? 0,
      messages: claimedMessages(commit, messages, row?.claimed ?? {}, claim?.version ?? 0, sealing),
    }),
  }
}

/** In the order in which they were decided. */
function claimedMessages(
  { homeId, messages }: EscalationCommit,
  rows: { body_sealed: string }[],
  claimed: NonNullable<CommitRow['claimed']>,
  version: number,
  sealing: Sealing,
): ClaimedMessage[] {
  return messages.flatMap(({ outboxId, incidentId, priority, raisedAtMs }, ordinal) => {
    const row = claimed[outboxId]
    if (!row) return []
    const body = Buffer.from(rows[ordinal]?.body_sealed ?? '', 'hex')
    const phone = Buffer.from(row.phone, 'hex')
    return {
      homeId,
      outboxId,
      incidentId,
      priority,
      attempts: 1,
      version,
      createdAtMs: row.createdMs,
      raisedAtMs,
      providerId: null,
      errorCode: null,
      reveal: () => ({ to: sealing.open(phone), body: sealing.open(body) }),
    }
  })
}
