import type { Message } from './message-store.ts'

const DEFAULT_PAGE_SIZE = 50
const MAX_PAGE_SIZE = 1_000
const DAY_MS = 86_400_000

export type ListQuery = Record<string, string | undefined>

export type MessagePage = {
  messages: Message[]
  page: number
  pageSize: number
  /** The sid after which the next page begins; null on the last page. */
  nextAfterSid: string | null
}

/** One page of what the filters let through, newest first, as Twilio lists messages. */
export function listMessages(all: Iterable<Message>, query: ListQuery): MessagePage {
  const pageSize = Math.min(Math.max(Number(query.PageSize) || DEFAULT_PAGE_SIZE, 1), MAX_PAGE_SIZE)
  const matching = [...all].filter((message) => matches(message, query)).reverse()
  const afterSid = query.PageToken?.slice('PA'.length)
  const start = afterSid === undefined ? 0 : matching.findIndex((message) => message.sid === afterSid) + 1
  const messages = matching.slice(start, start + pageSize)
  const more = start + pageSize < matching.length
  return {
    messages,
    page: Number(query.Page) || 0,
    pageSize,
    nextAfterSid: more ? (messages.at(-1)?.sid ?? null) : null,
  }
}

function matches(message: Message, query: ListQuery): boolean {
  if (query.To !== undefined && message.to !== query.To) return false
  if (query.From !== undefined && message.from !== query.From) return false
  const on = dateFilter(query.DateSent)
  const from = dateFilter(query['DateSent>'])
  const until = dateFilter(query['DateSent<'])
  if (!on && !from && !until) return true
  // A message that has not left yet has no date to compare.
  if (message.sentAtMs === null) return false
  const sentAtMs = Math.floor(message.sentAtMs / 1_000) * 1_000
  if (on && (sentAtMs < on.startMs || sentAtMs > on.endMs)) return false
  if (from && sentAtMs < from.startMs) return false
  return !until || sentAtMs <= until.endMs
}

/** A date stands for its whole day (UTC), a time for itself; what cannot be read filters nothing. */
function dateFilter(text: string | undefined): { startMs: number; endMs: number } | null {
  if (text === undefined) return null
  const startMs = Date.parse(text)
  if (Number.isNaN(startMs)) return null
  const wholeDay = /^\d{4}-\d{2}-\d{2}$/.test(text)
  return { startMs, endMs: wholeDay ? startMs + DAY_MS - 1 : startMs }
}
