import { isCritical } from '../core/message/priority.ts'
import type {
  ClaimedMessage,
  Clock,
  Log,
  Metrics,
  Outbox,
  Settlement,
  SmsDelivery,
  SmsProvider,
  SmsSendResult,
} from '../ports.ts'
import { retryDelayMs } from './retry.ts'

/** A row in `sending` is its sender's this long; whoever woke up later sends nothing. */
export const CLAIM_MS = 15_000
/** The request ends, and its result is written, within the claim. */
const REQUEST_TIMEOUT_MS = 8_000
/** The request begins only while so much of the claim is left that it ends within it. */
const LAST_START_MS = CLAIM_MS - REQUEST_TIMEOUT_MS
/** No receipt after this long: the next person is told now (domain: a late failure must act). */
export const RECEIPT_WAIT_MS = 30_000
/** Ordinary messages are looked up once more after this before they are sent again. */
const SECOND_LOOK_MS = 10_000
/** Marks a cause whose first look-up found nothing. */
const SECOND_LOOK = 'again:'
/** Given up without ever having heard what became of it. */
const OUTCOME_UNKNOWN = 'outcome-unknown'

export type SendingPorts = {
  outbox: Outbox
  provider: SmsProvider
  /** Where the provider posts the receipts of this message. */
  statusCallbackUrl(outboxId: string): string
  clock: Clock
  log: Log
  metrics: Metrics
  random(): number
}

/** A claimed message and the moment before it was asked for; the database's `now` belongs to that moment. */
export type Claimed = { message: ClaimedMessage; claimedAtMonotonicMs: number; nowMs: number }

/** What was written down; `lost` when the row was no longer ours. */
export type Settled = Settlement['status'] | 'lost'

/** One attempt: request, then its result. */
export async function sendClaimed(ports: SendingPorts, claimed: Claimed): Promise<Settled> {
  const { message } = claimed
  const startedMs = ports.clock.monotonicMs()
  const waitedMs = startedMs - claimed.claimedAtMonotonicMs
  if (waitedMs >= LAST_START_MS) {
    countOutcome(ports, 'claim-ran-out')
    ports.log.warn({ outboxId: message.outboxId, waitedMs: Math.round(waitedMs) }, 'claim ran out before the request')
    // Nothing was sent, so it goes back as it was; if a successor took it, this changes nothing.
    return settle(ports, message, retry('claim-ran-out', 0, null))
  }
  if (message.attempts === 1 && message.raisedAtMs !== null) {
    const sincePressMs = claimed.nowMs + waitedMs - message.raisedAtMs
    ports.metrics.observe('anlin_press_to_request_seconds', Math.max(0, sincePressMs) / 1_000)
  }
  const content = reveal(message)
  if (content === null) {
    ports.log.error(
      { outboxId: message.outboxId, homeId: message.homeId },
      'a message cannot be opened: is DATA_KEY another?',
    )
    return settle(ports, message, { status: 'failed', errorCode: 'cannot-be-opened', providerId: null })
  }
  const result = await ports.provider.send({
    ...content,
    statusCallbackUrl: ports.statusCallbackUrl(message.outboxId),
    timeoutMs: REQUEST_TIMEOUT_MS,
  })
  countOutcome(ports, result.outcome)
  return settleResult(ports, claimed, result)
}

async function settle(ports: SendingPorts, message: ClaimedMessage, settlement: Settlement): Promise<Settled> {
  return (await ports.outbox.settle(message, settlement)) ? settlement.status : 'lost'
}

/** Null when it was sealed with another key: it can never be sent, so the next person has to be told. */
function reveal(message: ClaimedMessage): { to: string; body: string } | null {
  try {
    return message.reveal()
  } catch {
    return null
  }
}

async function settleResult(ports: SendingPorts, claimed: Claimed, result: SmsSendResult): Promise<Settled> {
  const { message } = claimed
  const { outboxId, homeId, attempts } = message
  switch (result.outcome) {
    case 'accepted': {
      const { providerId, callbackRefused } = result
      if (callbackRefused !== undefined) {
        countOutcome(ports, 'callback-refused')
        const fields = { outboxId, homeId, code: callbackRefused }
        ports.log.warn(fields, 'the provider cannot call our address for receipts: is the public URL right?')
      }
      return settle(ports, message, { status: 'accepted', providerId, receiptDueInMs: RECEIPT_WAIT_MS })
    }
    case 'rejected': {
      const { code } = result
      const delayMs = result.temporary ? retryDelayMs(ageOf(ports, claimed), ports.random()) : null
      ports.log.warn({ outboxId, homeId, code, attempts, delayMs }, 'the provider did not take a message')
      if (delayMs !== null) return settle(ports, message, retry(code, delayMs, null))
      return settle(ports, message, { status: 'failed', errorCode: code, providerId: null })
    }
    case 'unknown':
      ports.log.warn({ outboxId, homeId, cause: result.cause, attempts }, 'the outcome of a message is unknown')
      // Written before the look-up: a crash in between leaves the row to the next sweep.
      return settle(ports, message, { status: 'unknown', dueInMs: 0, errorCode: result.cause })
  }
}

/**
 * Finds out what became of a message whose outcome is unknown. Not found, a critical one is sent again at once: a
 * doubled alarm is cheaper than a lost one. Others are looked up a second time first.
 */
export async function lookUpDoubtful(ports: SendingPorts, claimed: Claimed): Promise<Settled> {
  const { message } = claimed
  const cause = message.errorCode ?? 'unknown'
  const found = await findAtProvider(ports, message)
  const settlement = found === 'away' ? whenAway(ports, claimed, cause) : whenAnswered(ports, claimed, found, cause)
  countOutcome(ports, `looked-up-${settlement.status}`)
  const settled = await settle(ports, message, settlement)
  if (settled === 'pending') ports.metrics.count('anlin_outbox_duplicates_total', 1, { cause: causeOf(cause) })
  return settled
}

/** The message at the provider, null when it is not there, `away` when nobody could say. */
async function findAtProvider(ports: SendingPorts, message: ClaimedMessage): Promise<SmsDelivery | null | 'away'> {
  try {
    const found = await ports.provider.find({ ...message.reveal(), sinceMs: message.createdAtMs })
    const unclaimed = new Set(await ports.outbox.unclaimedProviderIds(found.map((delivery) => delivery.providerId)))
    return found.find((delivery) => unclaimed.has(delivery.providerId)) ?? null
  } catch (error) {
    ports.log.warn({ outboxId: message.outboxId, code: codeOf(error) }, 'could not look a message up')
    return 'away'
  }
}

function whenAnswered(ports: SendingPorts, claimed: Claimed, found: SmsDelivery | null, cause: string): Settlement {
  const { message, nowMs } = claimed
  if (found === null) {
    // A provider that answers nobody would otherwise be sent yesterday's alarms for ever, and deliver them all one day.
    const isGivenUp = message.attempts > 1 && retryDelayMs(ageOf(ports, claimed), ports.random()) === null
    if (isGivenUp) return { status: 'failed', errorCode: OUTCOME_UNKNOWN, providerId: null }
    if (isCritical(message.priority) || cause.startsWith(SECOND_LOOK)) {
      return retry('not-found', 0, causeOf(cause))
    }
    return { status: 'unknown', dueInMs: SECOND_LOOK_MS, errorCode: `${SECOND_LOOK}${cause}` }
  }
  switch (found.state) {
    case 'accepted': {
      const ageMs = Math.max(0, nowMs - message.createdAtMs)
      return { status: 'accepted', providerId: found.providerId, receiptDueInMs: Math.max(0, RECEIPT_WAIT_MS - ageMs) }
    }
    case 'delivered':
      return { status: 'delivered', providerId: found.providerId }
    case 'failed':
      return { status: 'failed', providerId: found.providerId, errorCode: found.errorCode ?? 'failed' }
  }
}

function whenAway(ports: SendingPorts, claimed: Claimed, cause: string): Settlement {
  const delayMs = retryDelayMs(ageOf(ports, claimed), ports.random())
  if (delayMs === null) return { status: 'failed', errorCode: OUTCOME_UNKNOWN, providerId: null }
  if (isCritical(claimed.message.priority)) return retry('look-up-failed', delayMs, causeOf(cause))
  return { status: 'unknown', dueInMs: delayMs, errorCode: cause }
}

function retry(errorCode: string, dueInMs: number, duplicateCause: string | null): Settlement {
  return { status: 'pending', dueInMs, errorCode, duplicateCause }
}

function ageOf(ports: SendingPorts, { message, nowMs, claimedAtMonotonicMs }: Claimed) {
  const sinceClaimMs = ports.clock.monotonicMs() - claimedAtMonotonicMs
  const ageMs = nowMs + sinceClaimMs - message.createdAtMs
  return { priority: message.priority, attempts: Math.max(1, message.attempts), ageMs }
}

function causeOf(errorCode: string): string {
  return errorCode.replace(SECOND_LOOK, '')
}

function countOutcome(ports: SendingPorts, outcome: string): void {
  ports.metrics.count('anlin_outbox_sent_total', 1, { outcome })
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
