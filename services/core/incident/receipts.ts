import { stepCameToNothing, stepIsSpent } from '../escalation/escalate.ts'
import { type Draft, inform, record, send } from './draft.ts'
import { release, standing } from './handling.ts'
import type { ToldMessage, ToldPerson } from './incident.ts'
import { NO_RECEIPT, OPTED_OUT_CODES, type Receipt } from './input.ts'

/** What became of messages. Receipts come late, twice and out of order: a final state is never left. */

const RANK: Record<ToldMessage['status'], number> = {
  pending: 0,
  withdrawn: 0,
  unknown: 1,
  accepted: 2,
  unconfirmed: 3,
  failed: 4,
  delivered: 5,
}

export function receiptArrived(draft: Draft, receipt: Receipt): void {
  if (receipt.type === 'MessageFailed') tellOfOptOut(draft, receipt)
  if (receipt.type === 'MessageFailed' && questionFailed(draft, receipt)) return
  const found = findMessage(draft, receipt)
  if (!found) return
  switch (receipt.type) {
    case 'MessageAccepted':
      reached(draft, found, 'accepted')
      break
    case 'MessageUnknown':
      reached(draft, found, 'unknown')
      break
    case 'MessageDelivered':
      reached(draft, found, 'delivered')
      break
    case 'MessageFailed':
      // The sender goes on trying by itself; only the end of it is this fold's business.
      if (receipt.permanent) failed(draft, found, receipt)
      break
  }
}

/** A STOP that we never saw (written before our time, or to another service of the carrier) is one all the same. */
function tellOfOptOut(draft: Draft, { recipient, errorCode }: Failure): void {
  if (errorCode === null || !OPTED_OUT_CODES.includes(errorCode)) return
  const row = draft.incident.told.find(({ person }) => person.ref === recipient)
  if (!row || row.optedOut) return
  row.optedOut = true
  for (const supervisor of draft.facts.supervisors) {
    if (supervisor.ref === recipient) continue
    send(draft, supervisor, { purpose: 'responder-stopped', name: row.person.name }, { priority: 1 })
  }
}

/**
 * Whoever has it was asked and did not get the question: waiting for the answer would be waiting for nothing. A missing
 * receipt does not say so: many carriers send none, and who works in silence must not lose it for that.
 */
function questionFailed(draft: Draft, { outboxId, permanent, errorCode }: Failure): boolean {
  const { question, due } = draft.incident
  if (!permanent || errorCode === NO_RECEIPT) return false
  if (question !== outboxId || (due.answer === null && due.arrive === null)) return false
  release(draft, 'taker-unreachable')
  return true
}

type Failure = Extract<Receipt, { type: 'MessageFailed' }>
type Found = { row: ToldPerson; message: ToldMessage }

function findMessage(draft: Draft, { outboxId, recipient }: Receipt): Found | null {
  const row = draft.incident.told.find(({ person }) => person.ref === recipient)
  const message = row?.messages.find((candidate) => candidate.outboxId === outboxId)
  return row && message ? { row, message } : null
}

function reached(draft: Draft, { row, message }: Found, status: ToldMessage['status']): void {
  if (RANK[status] <= RANK[message.status]) return
  message.status = status
  // It left although somebody had taken the incident meanwhile: this person must hear that, too.
  if (draft.incident.status !== 'open' && !row.upToDate) inform(draft, row, standing(draft))
}

function failed(draft: Draft, { message }: Found, receipt: Failure): void {
  const { incident } = draft
  const { outboxId, recipient, errorCode } = receipt
  const status = errorCode === NO_RECEIPT ? 'unconfirmed' : 'failed'
  if (message.status === 'withdrawn' || RANK[status] <= RANK[message.status]) return
  message.status = status
  record(draft, { type: 'MessageFailed', outboxId, recipient, errorCode })
  const { round } = incident.position
  if (incident.status !== 'open' || message.round !== round) return
  if (message.step !== null && stepIsSpent(incident, message.step)) {
    record(draft, { type: 'StepFailed', round, step: message.step })
    stepCameToNothing(draft, message.step)
  }
}
