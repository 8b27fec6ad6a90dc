/**
 * What an error of Twilio's means for the message: `temporary` may be tried again, `permanent` will fail again for
 * this number or text, `unknown` may have been accepted.
 */
export type Verdict = 'temporary' | 'permanent' | 'unknown'

/** https://www.twilio.com/docs/api/errors. Account faults count as temporary: an operator can mend them. */
const VERDICT_OF_CODE: Readonly<Record<number, Verdict>> = {
  20003: 'temporary', // authentication failed
  20005: 'temporary', // account not active
  20429: 'temporary', // too many requests
  20500: 'temporary', // internal error, nothing was created
  20503: 'temporary', // service unavailable
  21211: 'permanent', // invalid "To" number
  21214: 'permanent', // "To" cannot be reached
  21408: 'permanent', // no permission for this region
  21602: 'permanent', // no body
  21606: 'temporary', // "From" is not ours
  21609: 'temporary', // a status callback URL that it cannot call; the message itself is sent without one
  21610: 'permanent', // the person sent STOP
  21611: 'temporary', // the sender's queue is full
  21612: 'permanent', // this sender cannot reach this number
  21614: 'permanent', // not a mobile number
  21617: 'permanent', // body too long
  30001: 'temporary', // queue overflow
  30002: 'temporary', // account suspended
  30003: 'temporary', // handset off or out of reach
  30004: 'permanent', // blocked
  30005: 'permanent', // no such handset
  30006: 'permanent', // landline or unreachable carrier
  30007: 'permanent', // filtered by the carrier
  30008: 'temporary', // unknown error
  30010: 'permanent', // price over the limit
}

const VERDICT_OF_STATUS: Readonly<Record<number, Verdict>> = {
  408: 'unknown',
  425: 'temporary',
  429: 'temporary',
  500: 'temporary',
  // A gateway in between lost the answer; what stands behind it may have taken the message.
  502: 'unknown',
  503: 'temporary',
  504: 'unknown',
}

/** The code decides; where it is missing or new to us, the HTTP status. */
export function verdictOf(code: number | undefined, httpStatus: number): Verdict {
  const byCode = code === undefined ? undefined : VERDICT_OF_CODE[code]
  return byCode ?? VERDICT_OF_STATUS[httpStatus] ?? (httpStatus >= 500 ? 'unknown' : 'permanent')
}
