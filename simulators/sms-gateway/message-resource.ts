import type { Message, MessageStatus } from './message-store.ts'

const GSM_7_SEGMENT = { alone: 160, joined: 153 }
const UCS_2_SEGMENT = { alone: 70, joined: 67 }
/** GSM 03.38: what is outside makes the whole message UCS-2; what is in EXTENSION takes two places. */
const GSM_7 = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ^{}\\[~\]|€ÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà]*$/
const EXTENSION = /[\^{}\\[~\]|€]/g

/** The Message resource as `api.v2010.account.message` of Twilio's description. */
export function messageResource(accountSid: string, message: Message) {
  const uri = `/2010-04-01/Accounts/${accountSid}/Messages/${message.sid}`
  return {
    account_sid: accountSid,
    api_version: '2010-04-01',
    body: message.body,
    date_created: rfc2822(message.acceptedAtMs),
    date_sent: message.sentAtMs === null ? null : rfc2822(message.sentAtMs),
    date_updated: rfc2822(message.updatedAtMs),
    direction: message.direction,
    error_code: message.errorCode,
    error_message: message.errorCode === null ? null : `Error ${message.errorCode}`,
    from: message.from,
    messaging_service_sid: null,
    num_media: '0',
    num_segments: String(segmentCount(message.body)),
    price: null,
    price_unit: 'USD',
    sid: message.sid,
    status: message.status,
    subresource_uris: { media: `${uri}/Media.json` },
    to: message.to,
    uri: `${uri}.json`,
  }
}

/** How the control routes and the page show a message. */
export type MessageView = {
  sid: string
  direction: Message['direction']
  from: string
  to: string
  body: string
  at: string
  status: MessageStatus
}

export function messageView(message: Message): MessageView {
  const { sid, direction, from, to, body, status } = message
  return { sid, direction, from, to, body, at: new Date(message.acceptedAtMs).toISOString(), status }
}

export function segmentCount(body: string): number {
  const gsm7 = GSM_7.test(body)
  const length = gsm7 ? body.length + (body.match(EXTENSION)?.length ?? 0) : body.length
  const segment = gsm7 ? GSM_7_SEGMENT : UCS_2_SEGMENT
  return length <= segment.alone ? 1 : Math.ceil(length / segment.joined)
}

/** Twilio's times have no milliseconds: "Thu, 24 Aug 2023 05:01:45 +0000". */
function rfc2822(atMs: number): string {
  return new Date(atMs).toUTCString().replace('GMT', '+0000')
}
