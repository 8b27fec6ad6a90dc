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

/**
 * After any of these the provider refuses every further message to the phone (Twilio's own list, and two of the carriers').
 * "Cancel" and "end" are also what somebody may write who only means this one alarm: the phone is blocked all the same, so
 * the coordinator must hear of it all the same.
 */
const STOP_WORDS = ['stop', 'stopall', 'unsubscribe', 'cancel', 'end', 'quit', 'revoke', 'optout', 'td', '退订']

/** Numbers people dial in an emergency: written to us, 119 is a cry for the fire brigade and not `1 19`. */
const EMERGENCY_NUMBERS = ['110', '112', '119', '120', '122']

/** Whether `1` and this code, its space lost, would read like one of them: such codes are given to nobody. */
export function readsLikeEmergency(code: number): boolean {
  return EMERGENCY_NUMBERS.includes(`1${code}`)
}

/**
 * People copy "回1 37我来处理" out of our own text, or add a word. Only these words may stand behind the verb, each with
 * its own: "1 37 can't" says two things, and whatever we do not know may say anything.
 */
const WORDS = {
  take: '我来处理|我来了|我来|我去|来了|马上去|马上到|马上来|马上|在处理|好的|好|收到|谢谢|imonit|onit|yes|ok|okay|thanks|thankyou',
  cannot: '不能去|不能来|去不了|来不了|不行|抱歉|对不起|谢谢|cant|cannot|icant|no|sorry|thanks|thankyou',
}
const WORDS_OF = {
  take: new RegExp(`^(?:${WORDS.take})*$`, 'u'),
  cannot: new RegExp(`^(?:${WORDS.cannot})*$`, 'u'),
}

/** Verb, then anything that is no letter or digit, then the code. `137` is `1 37`: the space is easily lost. */
const ANSWER = /^(?:回复|回|reply)?[^\p{L}\p{N}]*((1|2|ack)[^\p{L}\p{N}]*(?:([1-9][0-9])(?!\p{N}))?)([^\p{N}]*)$/u

export function parseReply(text: string): Reply {
  if (text.length > LONGEST_REPLY) return { type: 'not-understood' }
  // NFKC makes full-width digits and letters plain ones; what stands around the words is quotes and full stops.
  const plain = text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '')
  if (STOP_WORDS.includes(plain.replace(/[^\p{L}]+/gu, ''))) return { type: 'stop' }
  const [, number = '', verb, digits, words = ''] = ANSWER.exec(plain) ?? []
  const type = verb === '2' ? 'cannot' : 'take'
  const isKnown = verb !== undefined && WORDS_OF[type].test(words.replace(/[^\p{L}]+/gu, ''))
  if (!isKnown || EMERGENCY_NUMBERS.includes(number)) return { type: 'not-understood' }
  return { type, code: digits === undefined ? null : Number(digits) }
}
