import type { EscalationCommit, GivenCode, NewMessage } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import { sealNotes } from './sealed-notes.ts'

/** What incidents-commit.ts gives its statement, as rows of its `jsonb_to_recordset`s. */

export function incidentRow({ incident, expectedVersion, nextStep }: EscalationCommit['incidents'][number]) {
  return {
    incident_id: incident.id,
    scope: incident.homeId === '-' ? 'platform' : 'home',
    kind: incident.kind,
    subject: incident.subject,
    severity: incident.severity,
    condition: incident.condition,
    status: incident.status,
    opened_at: incident.openedAt,
    resolved_at: incident.resolvedAt,
    wake_at: incident.wakeAt,
    version: incident.version,
    expected: expectedVersion,
    state: incident,
    next_step: nextStep,
  }
}

export function inputRow(input: EscalationCommit['inputs'][number]) {
  return {
    input_id: input.inputId,
    incident_id: input.incidentId,
    applied_version: input.appliedVersion,
    result: input.result,
    rejected: input.rejected,
  }
}

export function eventRow(
  { incidentId, event: { seq, at, type, ...body } }: EscalationCommit['events'][number],
  sealing: Sealing,
) {
  return { incident_id: incidentId, seq, at, type, body: sealNotes(body, sealing) }
}

export function messageRow(message: NewMessage, codes: GivenCode[], sealing: Sealing) {
  const seen = codes.find((given) => given.ref === message.recipient && given.code === message.code)
  return {
    outbox_id: message.outboxId,
    incident_id: message.incidentId,
    recipient: message.recipient,
    purpose: message.purpose,
    priority: message.priority,
    code: message.code,
    body_sealed: sealing.seal(message.body).toString('hex'),
    raised_at: message.raisedAtMs,
    token_hash: message.linkToken === null ? null : sealing.secretHash(message.linkToken).toString('hex'),
    seen_xid: seen?.xid ?? null,
  }
}
