import { en } from './catalogue-en.ts'
import { type Detail, type Wording, zh } from './catalogue-zh.ts'
import type { Language, Message } from './message.ts'
import { countSegments, isGsm7 } from './segments.ts'

/** A longer SMS costs more, comes later and is cut by some phones. */
const MOST_SEGMENTS = 2
/** Of a list of incidents to choose from; the newest come first. */
const MOST_CHOICES = 3

/** From the full text to the barest one that still says where, what and how to answer. Widths of labels and names. */
const ATTEMPTS: readonly { width: number; link: boolean; detail: Detail }[] = [
  { width: 40, link: true, detail: 'full' },
  { width: 24, link: true, detail: 'full' },
  { width: 16, link: true, detail: 'full' },
  { width: 40, link: false, detail: 'full' },
  { width: 24, link: false, detail: 'full' },
  { width: 16, link: false, detail: 'full' },
  { width: 24, link: false, detail: 'some' },
  { width: 16, link: false, detail: 'some' },
  { width: 12, link: false, detail: 'some' },
  { width: 12, link: false, detail: 'bare' },
  { width: 8, link: false, detail: 'bare' },
  { width: 5, link: false, detail: 'bare' },
]

/** The text of a message, never longer than two segments. The link is the first thing to go, then long labels. */
export function renderMessage(
  message: Message,
  { language, code, link }: { language: Language; code: number | null; link: string | null },
): string {
  let text = ''
  for (const attempt of ATTEMPTS) {
    const words = wordsOf(shortenLabels(message, attempt.width), language, { code, detail: attempt.detail })
    text = inOneAlphabet(attempt.link && link !== null ? `${words} ${link}` : words)
    if (countSegments(text) <= MOST_SEGMENTS) break
  }
  return text
}

function wordsOf(message: Message, language: Language, wording: Wording): string {
  const { messages } = language === 'en' ? en : zh
  // The purpose picks the function that takes exactly this message; the compiler cannot follow a lookup by union.
  const write = messages[message.purpose] as (message: Message, wording: Wording) => string
  return write(message, wording)
}

/** Everything people have typed: labels of homes, rooms, names. */
function shortenLabels(message: Message, width: number): Message {
  const shortened: Record<string, unknown> = { ...message }
  for (const key of ['home', 'room', 'by', 'from', 'name', 'takenBefore']) {
    const label = shortened[key]
    if (typeof label === 'string') shortened[key] = shorten(label, width)
  }
  if (message.purpose === 'which-one') {
    shortened.choices = message.choices
      .slice(0, MOST_CHOICES)
      .map((choice) => ({ ...choice, home: shorten(choice.home, width) }))
  }
  return shortened as Message
}

/** Cuts between characters as people see them, and says so: an address cut silently is a wrong address. */
function shorten(label: string, width: number): string {
  const plain = label.replace(/\s+/gu, ' ').trim()
  if (plain.length <= width) return plain
  let kept = ''
  for (const { segment } of new Intl.Segmenter().segment(plain)) {
    if (kept.length + segment.length > width - 1) break
    kept += segment
  }
  return `${kept.trimEnd()}…`
}

/** The ellipsis alone would turn an English text into one of half the length, so there it is three dots. */
function inOneAlphabet(text: string): string {
  const plain = text.replaceAll('…', '...')
  return isGsm7(plain) ? plain : text
}
