/**
 * Every side effect the platform can have, on one page. Types only. Rooms under services/ are given these by
 * services/main.ts; services/store/ and the machine's own clock stand behind them.
 */

/** Wall clock in epoch ms and a monotonic one for durations inside this process. */
export type Clock = { now(): number; monotonicMs(): number }

/** The part of pino that rooms use. Never a name, a number or a text of a message: only ids, counts and codes. */
export type Log = {
  info(fields: Record<string, unknown>, message: string): void
  warn(fields: Record<string, unknown>, message: string): void
  error(fields: Record<string, unknown>, message: string): void
  debug(fields: Record<string, unknown>, message: string): void
}

/** Figures for `/metrics`; the names and their meaning stand in services/metrics.ts. Labels have few, closed values. */
export type Metrics = {
  count(name: string, by?: number, labels?: Record<string, string>): void
  gauge(name: string, value: number, labels?: Record<string, string>): void
  /** A duration or size into its histogram; durations in seconds. */
  observe(name: string, value: number, labels?: Record<string, string>): void
}

/**
 * A hint says "look now", never "this happened": the database is the truth, and losing every hint costs at most
 * the next sweep. `key` is a shard for `log`, a home for `incident`, and empty for `outbox`.
 */
export type HintTopic = 'log' | 'incident' | 'outbox'
export type Hints = {
  /** Not awaited, never throws; hints for a key that already waits fall together. */
  hint(topic: HintTopic, key: string): void
}
export type HintListener = (key: string) => Promise<void>

/** Something a page or a device should look at again; `ref` is an incident's or a device's id. */
export type Change = {
  xid: bigint
  id: number
  at: number
  kind: 'incident' | 'home' | 'device'
  homeId: string
  ref: string
}
export type ChangeFeed = {
  /** Called with changes in commit order; returns how to stop. The listener must not throw. */
  subscribe(listener: (changes: Change[]) => void): () => void
  close(): Promise<void>
}

// SMS provider. Numbers and texts pass through here and appear in no error and no log.

/**
 * `rejected` is certain: the message does not exist at the provider. `unknown` is not: the request may have been
 * taken before its answer was lost, so it is looked up with `find` (or hedged) before it is sent again.
 */
export type SmsSendResult =
  | { outcome: 'accepted'; providerId: string }
  | { outcome: 'rejected'; code: string; temporary: boolean }
  | { outcome: 'unknown'; cause: string }

/** How far a message has come at the provider; `delivered` and `failed` are final. */
export type SmsDelivery = {
  providerId: string
  state: 'accepted' | 'delivered' | 'failed'
  /** The provider's code of a failure, null otherwise. */
  errorCode: string | null
}

export type IncomingSms = {
  providerId: string
  from: string
  to: string
  body: string
  /** The provider's own time, to the second; null when it pushed the message without one. */
  sentAtMs: number | null
}

export type SmsProvider = {
  /** Never throws: whatever goes wrong is one of the outcomes. `timeoutMs` up to 10,000, which is also the default. */
  send(message: { to: string; body: string; statusCallbackUrl?: string; timeoutMs?: number }): Promise<SmsSendResult>
  /** The provider's messages to this number with exactly this body, created at `sinceMs` or later. */
  find(sought: { to: string; body: string; sinceMs: number }): Promise<SmsDelivery[]>
  /** Null when the provider does not know the id. */
  fetchStatus(providerId: string): Promise<SmsDelivery | null>
  /** Replies since then, newest first, at most `limit` (1…1,000) a page; `nextCursor` is null on the last page. */
  listIncoming(asked: {
    sinceMs: number
    limit: number
    cursor?: string
  }): Promise<{ messages: IncomingSms[]; nextCursor: string | null }>
  close(): void
}

/** What the provider pushes to us: checked and read, still to be judged. */
export type SmsWebhooks = {
  /** `pathAndQuery` as requested, `params` the form's fields, `signature` the header X-Twilio-Signature. */
  isSigned(request: { pathAndQuery: string; params: Record<string, unknown>; signature: string | undefined }): boolean
  /** Null when it is no receipt we can read. */
  readReceipt(params: Record<string, unknown>): SmsDelivery | null
  readIncoming(params: Record<string, unknown>): IncomingSms | null
}

// Outbox: what goes out to people, what becomes of it, and what they send us.

/** A row that is ours until `claimMs` after it was asked for. */
export type ClaimedMessage = {
  homeId: string
  outboxId: string
  incidentId: string | null
  /** 0 is critical and goes first. */
  priority: number
  /** This one included. */
  attempts: number
  version: number
  createdAtMs: number
  /** When the message that opened the incident was committed; only where the press is to be measured. */
  raisedAtMs: number | null
  providerId: string | null
  errorCode: string | null
  /** Opens the sealed number and text: called right before the request, and neither is kept. */
  reveal(): { to: string; body: string }
}

/** What became of an attempt. The incident is told of a failure in the same transaction. */
export type Settlement =
  /** `receiptDueInMs`: when a missing receipt is asked after; null where the provider gives none. */
  | { status: 'accepted'; providerId: string; receiptDueInMs: number | null }
  | { status: 'delivered'; providerId: string }
  /** Sent again; `duplicateCause` where the earlier attempt may have arrived after all. */
  | { status: 'pending'; dueInMs: number; errorCode: string; duplicateCause: string | null }
  /** Looked up again before anything else. */
  | { status: 'unknown'; dueInMs: number; errorCode: string }
  | { status: 'failed'; errorCode: string; providerId: string | null }

export type OutboxFigures = {
  /** Age of the oldest message that should have gone out by now; 0 when none waits. */
  oldestDueMs: number
  waiting: number
  duplicates: { cause: string; count: number }[]
}

export type Outbox = {
  /** pending → sending, committed before it returns. Highest priority first. `nowMs` is the database's clock. */
  claimDue(asked: { limit: number; criticalOnly: boolean; claimMs: number }): Promise<Claim>
  /** Messages whose outcome nobody knows: claims that ran out (a sender died or froze) and look-ups that are due. */
  claimDoubtful(asked: { limit: number; claimMs: number }): Promise<Claim>
  /** Accepted messages whose receipt is missing; each is given out again after `nextLookMs`, until `forgetMs` of age. */
  claimUnanswered(asked: { limit: number; nextLookMs: number; forgetMs: number }): Promise<Claim>
  /** False: the row was no longer ours, or a receipt was faster. */
  settle(message: ClaimedMessage, settlement: Settlement): Promise<boolean>
  /** Tells the incident, once per message, that no receipt came in time; the message itself stays as it is. */
  reportMissingReceipt(message: ClaimedMessage): Promise<boolean>
  /** By our id, late, twice and out of order: only what leads further counts. Null: nothing changed. */
  applyReceipt(receipt: SmsDelivery & { outboxId: string; receiptDueInMs: number }): Promise<{ homeId: string } | null>
  /** Those of these provider ids that belong to no message yet. */
  unclaimedProviderIds(providerIds: string[]): Promise<string[]>
  figures(): Promise<OutboxFigures>
}
export type Claim = { nowMs: number; messages: ClaimedMessage[] }
