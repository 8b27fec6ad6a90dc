import type { Outcome, TimelineEntry } from './api-types.ts'
import type { Words } from './texts/zh.ts'

type Body = TimelineEntry['body']

/** One line of an incident's story: what happened, then whom it concerned and why, as far as the entry says. */
export function storyLine(entry: TimelineEntry, words: Words): string {
  const { body } = entry
  const parts = [
    nameIn(body.by) ?? nameIn(body.from),
    prefixed('→ ', nameIn(body.to)),
    codeIn(body, 'target', words),
    namesIn(body.people),
    unreachable(body, words),
    codeIn(body, 'reason', words),
    outcomeIn(body, words),
    textIn(body.text) ?? textIn(body.note),
  ]
  return [words.event(entry.type), ...parts.filter((part) => part !== null)].join(' · ')
}

function textIn(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function nameIn(value: unknown): string | null {
  return typeof value === 'object' && value !== null && 'name' in value ? textIn(value.name) : null
}

function namesIn(value: unknown): string | null {
  if (!Array.isArray(value)) return null
  const names = value.map(nameIn).filter((name) => name !== null)
  return names.length > 0 ? names.join(', ') : null
}

function prefixed(prefix: string, text: string | null): string | null {
  return text === null ? null : prefix + text
}

function unreachable(body: Body, words: Words): string | null {
  const names = namesIn(body.unreachable)
  return names === null ? null : words.unreachable(names)
}

function codeIn(body: Body, field: 'target' | 'reason', words: Words): string | null {
  const code = textIn(body[field])
  return code === null ? null : words.detail(code)
}

function outcomeIn(body: Body, words: Words): string | null {
  const { outcome } = body
  return typeof outcome === 'string' && outcome in words.outcomes ? words.outcomes[outcome as Outcome] : null
}
