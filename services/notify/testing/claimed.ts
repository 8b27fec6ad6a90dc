import type { ClaimedMessage } from '../../ports.ts'

/** A critical message in its first attempt, whose text is `body`. */
export function claimedMessage(outboxId: string, body = outboxId): ClaimedMessage {
  return {
    homeId: 'home-001',
    outboxId,
    incidentId: null,
    priority: 0,
    attempts: 1,
    version: 1,
    createdAtMs: 0,
    raisedAtMs: null,
    providerId: null,
    errorCode: null,
    reveal: () => ({ to: '+8615500000101', body }),
  }
}
