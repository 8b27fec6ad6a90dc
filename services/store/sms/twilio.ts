import { createRequire } from 'node:module'
import { performance } from 'node:perf_hooks'
import { type MessageInstance, MessageListInstance } from 'twilio/lib/rest/api/v2010/account/message.js'
import type { IncomingSms, SmsDelivery, SmsProvider, SmsSendResult } from '../../ports.ts'
import { deliveryStateOf } from './sms-delivery.ts'
import { createTwilioHttp, NoAnswerError } from './twilio-http.ts'
import { verdictOf } from './twilio-verdicts.ts'

// `require`, because what `import` makes of a CommonJS default export differs between Node and Vitest.
const require = createRequire(import.meta.url)
const { default: Domain } = require('twilio/lib/base/Domain.js') as typeof import('twilio/lib/base/Domain.js')
const { default: Version } = require('twilio/lib/base/Version.js') as typeof import('twilio/lib/base/Version.js')

/** A sender owns its outbox row for 15 s; the request must have ended well before. */
const REQUEST_TIMEOUT_MS = 10_000
const LOOKUP_PAGE_SIZE = 100
/** A look-up that has not reached its start after this many pages fails instead of answering "not there". */
const MAX_LOOKUP_PAGES = 5
const MAX_INCOMING_PAGE_SIZE = 1_000

/** Twilio does not call such an address (not https, not public, no such host), and takes no message that asks it to. */
const CALLBACK_REFUSED = 'twilio-21609'

export type TwilioOptions = {
  accountSid: string
  authToken: string
  /** The number that we send from and that people reply to. */
  fromNumber: string
  /** https://api.twilio.com, or the simulator's address. */
  apiUrl: string
}

/** Asking the provider failed. `code` is Twilio's number (`twilio-20429`), an HTTP status or a socket's error. */
class SmsProviderError extends Error {
  readonly code: string
  readonly temporary: boolean

  constructor(doing: string, code: string, temporary: boolean) {
    super(`${doing}: ${code}`)
    this.name = 'SmsProviderError'
    this.code = code
    this.temporary = temporary
  }
}

/**
 * Twilio's own message resource, without the rest of the package: these pieces take 6 ms and 6 MB to import, all of
 * `twilio` 100 ms and 35 MB (Node 24; axios is most of it, see `twilio-http.ts`).
 */
export function createTwilioSms(options: TwilioOptions): SmsProvider {
  const http = createTwilioHttp(options)

  function messages(timeoutMs: number) {
    const domain = new Domain(http.client(timeoutMs), options.apiUrl)
    // V2010 itself imports every resource of the API; the message resource needs only what Version has.
    const version = new Version(domain, '2010-04-01') as Parameters<typeof MessageListInstance>[0]
    return MessageListInstance(version, options.accountSid)
  }
  const readMessages = messages(REQUEST_TIMEOUT_MS)

  return {
    async send({ to, body, statusCallbackUrl, timeoutMs = REQUEST_TIMEOUT_MS }): Promise<SmsSendResult> {
      const limitMs = Math.min(timeoutMs, REQUEST_TIMEOUT_MS)
      const startedMs = performance.now()
      const message = { to, from: options.fromNumber, body }
      const callback = statusCallbackUrl === undefined ? {} : { statusCallback: statusCallbackUrl }
      const first = await sendOnce(messages(limitMs), { ...message, ...callback })
      if (first.outcome !== 'rejected' || first.code !== CALLBACK_REFUSED) return first
      // Receipts can be asked for; an alarm that never left cannot.
      const leftMs = Math.floor(limitMs - (performance.now() - startedMs))
      if (leftMs <= 0) return first
      const again = await sendOnce(messages(leftMs), message)
      return again.outcome === 'accepted' ? { ...again, callbackRefused: first.code } : again
    },

    async find(sought) {
      return asking('look up a message', () => findIn(readMessages, sought))
    },

    async fetchStatus(providerId) {
      return asking('fetch a message', async () => {
        try {
          return deliveryOf(await readMessages.get(providerId).fetch())
        } catch (error) {
          if (refusalOf(error)?.status === 404) return null
          throw error
        }
      })
    },

    async listIncoming({ sinceMs, limit, cursor }) {
      return asking('list incoming messages', async () => {
        const page =
          cursor === undefined
            ? await readMessages.page({
                to: options.fromNumber,
                dateSentAfter: new Date(sinceMs),
                pageSize: Math.min(limit, MAX_INCOMING_PAGE_SIZE),
              })
            : await readMessages.getPage(cursor)
        const incoming = page.instances.filter((message) => message.direction === 'inbound')
        return { messages: incoming.map(incomingOf), nextCursor: page.nextPageUrl ?? null }
      })
    },

    close: () => http.close(),
  }
}

async function sendOnce(
  messages: MessageListInstance,
  message: { to: string; from: string; body: string; statusCallback?: string },
): Promise<SmsSendResult> {
  try {
    const { sid } = await messages.create(message)
    return sid ? { outcome: 'accepted', providerId: sid } : { outcome: 'unknown', cause: 'unreadable-answer' }
  } catch (error) {
    return sendResultOf(error)
  }
}

async function findIn(
  messages: MessageListInstance,
  { to, body, sinceMs }: { to: string; body: string; sinceMs: number },
): Promise<SmsDelivery[]> {
  // Twilio's times are whole seconds, and a message not yet sent has none to filter by: so by number only.
  const sinceSecondMs = Math.floor(sinceMs / 1_000) * 1_000
  const found: SmsDelivery[] = []
  let page = await messages.page({ to, pageSize: LOOKUP_PAGE_SIZE })
  for (let read = 1; ; read += 1) {
    const recent = page.instances.filter((message) => message.dateCreated.getTime() >= sinceSecondMs)
    found.push(...recent.filter((message) => message.body === body).map(deliveryOf))
    // Newest first: a page with something older in it is the last that matters.
    if (!page.nextPageUrl || recent.length < page.instances.length) return found
    if (read === MAX_LOOKUP_PAGES && found.length > 0) return found
    if (read === MAX_LOOKUP_PAGES) throw new SmsProviderError('look up a message', 'too-many-messages', true)
    page = await messages.getPage(page.nextPageUrl)
  }
}

function sendResultOf(error: unknown): SmsSendResult {
  if (error instanceof NoAnswerError) {
    return error.sent
      ? { outcome: 'unknown', cause: error.code }
      : { outcome: 'rejected', code: error.code, temporary: true }
  }
  const refusal = refusalOf(error)
  // An answer of 2xx that is not readable: whatever it said, the message may exist.
  if (refusal === null) return { outcome: 'unknown', cause: 'unreadable-answer' }
  const verdict = verdictOf(refusal.code, refusal.status)
  const code = codeOf(refusal)
  return verdict === 'unknown'
    ? { outcome: 'unknown', cause: code }
    : { outcome: 'rejected', code, temporary: verdict === 'temporary' }
}

/** Runs a question to the provider; its errors carry a code and never Twilio's message, which may name the number. */
async function asking<T>(doing: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof SmsProviderError) throw error
    if (error instanceof NoAnswerError) throw new SmsProviderError(doing, error.code, true)
    const refusal = refusalOf(error)
    if (refusal === null) throw new SmsProviderError(doing, 'unreadable-answer', true)
    throw new SmsProviderError(doing, codeOf(refusal), verdictOf(refusal.code, refusal.status) !== 'permanent')
  }
}

type Refusal = { status: number; code: number | undefined }

/** Twilio's two kinds of error (its old one and RFC 9457) both have a status and mostly a code. */
function refusalOf(error: unknown): Refusal | null {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return null
  return { status: error.status, code: 'code' in error && typeof error.code === 'number' ? error.code : undefined }
}

function codeOf({ status, code }: Refusal): string {
  return code ? `twilio-${code}` : `http-${status}`
}

function deliveryOf(message: MessageInstance): SmsDelivery {
  return {
    providerId: message.sid,
    // A status that we do not know yet says at least that the message exists.
    state: deliveryStateOf(message.status) ?? 'accepted',
    errorCode: message.errorCode ? `twilio-${message.errorCode}` : null,
  }
}

function incomingOf(message: MessageInstance): IncomingSms {
  const { sid, from, to, body } = message
  return { providerId: sid, from, to, body, sentAtMs: (message.dateSent ?? message.dateCreated).getTime() }
}
