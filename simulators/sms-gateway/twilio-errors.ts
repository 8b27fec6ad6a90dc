/** Twilio's error bodies: the code says what is wrong, the HTTP status only how wrong. */
const ERRORS = {
  20003: { status: 401, message: 'Authenticate' },
  20404: { status: 404, message: 'The requested resource was not found' },
  20429: { status: 429, message: 'Too Many Requests' },
  20500: { status: 500, message: 'Internal Server Error' },
  21211: { status: 400, message: "Invalid 'To' Phone Number" },
  21602: { status: 400, message: 'Message body is required.' },
  21603: { status: 400, message: "A 'From' phone number is required." },
  21604: { status: 400, message: "A 'To' phone number is required." },
  21606: {
    status: 400,
    message: "The 'From' phone number provided is not a valid message-capable Twilio phone number.",
  },
  21609: { status: 400, message: "The 'StatusCallback' URL is not a valid URL." },
  21610: { status: 400, message: 'Attempt to send to unsubscribed recipient' },
  21617: { status: 400, message: 'The concatenated message body exceeds the 1600 character limit' },
} as const

export type TwilioErrorBody = { code: number; message: string; more_info: string; status: number }

/** A code without a text of its own (a fault rule may name any) is a plain 400. */
export function twilioError(code: number): TwilioErrorBody {
  const known: { status: number; message: string } | undefined = ERRORS[code as keyof typeof ERRORS]
  return {
    code,
    message: known?.message ?? `Rejected with error ${code}`,
    more_info: `https://www.twilio.com/docs/errors/${code}`,
    status: known?.status ?? 400,
  }
}
