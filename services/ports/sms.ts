/**
 * SMS provider. Numbers and texts pass through here and appear in no error and no log.
 */

/**
 * `rejected` is certain: the message does not exist at the provider. `unknown` is not: the request may have been
 * taken before its answer was lost, so it is looked up with `find` (or hedged) before it is sent again.
 */
export type SmsSendResult =
  /** `callbackRefused`: it took the message, but would not post the receipts to our address. By which code. */
  | { outcome: 'accepted'; providerId: string; callbackRefused?: string }
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
