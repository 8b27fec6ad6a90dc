/**
 * What a responder wrote back. The grammar is small on purpose: `1` (or "ack") takes, `2` cannot come, then an
 * optional two-digit code. A polite "ok" or "收到" ("received") is not a promise to go, so it takes nothing and is
 * answered with how to reply.
 */
export type Reply =
  | { type: 'take'; code: number | null }
  | { type: 'cannot'; code: number | null }
  | { type: 'stop' }
  | { type: 'not-understood' }

/** No reply of ours is longer; what is, is a letter to somebody and not an answer. */
const LONGEST_REPLY = 80

const STOP_WORDS = ['stop', 'stopall', 'unsubscribe', 'td', '退订']

/** Numbers people dial in an emergency: written to us, 119 is a cry for the fire brigade and not `1 19`. */
const EMERGENCY_NUMBERS = ['110', '112', '119', '120', '122']

/** Verb, then anything that is no letter or digit, then the code. `137` is `1 37`: the space is easily lost. */
const ANSWER = /^(1|2|ack)(?:[^\p{L}\p{N}]*([1-9][0-9]))?$/u

export function parseReply(text: string): Reply {
  if (text.length > LONGEST_REPLY) return { type: 'not-understood' }
  // NFKC makes full-width digits and letters plain ones; what stands around the words is quotes and full stops.
  const plain = text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '')
  if (STOP_WORDS.includes(plain)) return { type: 'stop' }
  if (EMERGENCY_NUMBERS.includes(plain)) return { type: 'not-understood' }
  const [, verb, digits] = ANSWER.exec(plain) ?? []
  if (verb === undefined) return { type: 'not-understood' }
  const code = digits === undefined ? null : Number(digits)
  return { type: verb === '2' ? 'cannot' : 'take', code }
}
