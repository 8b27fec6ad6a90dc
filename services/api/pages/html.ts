import type { FastifyReply } from 'fastify'
import type { Language } from '../../ports.ts'
import { en } from './en.ts'
import type { PageWords } from './words.ts'
import { zh } from './zh.ts'

/** Text that is already HTML. Everything else that goes into a page is escaped. */
export type Html = { html: string }

export function html(parts: TemplateStringsArray, ...values: (string | Html | readonly Html[])[]): Html {
  return { html: parts.map((part, index) => part + written(values[index] ?? '')).join('') }
}

function written(value: string | Html | readonly Html[]): string {
  if (typeof value === 'string') return escaped(value)
  return 'html' in value ? value.html : value.map((one) => one.html).join('')
}

const ESCAPED: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPED[character] ?? '')
}

export function wordsOf(language: Language): PageWords {
  return language === 'en' ? en : zh
}

/** For a page that nobody is signed in to: the browser's first wish, Chinese unless it is English. */
export function languageOf(acceptLanguage: string | undefined): Language {
  return /^\s*en\b/i.test(acceptLanguage ?? '') ? 'en' : 'zh'
}

/** Works without a script; its one style sheet is `/pages.css`. */
export function sendPage(reply: FastifyReply, status: number, words: PageWords, title: string, body: Html) {
  const page = html`<!doctype html>
<html lang="${words.htmlLang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} · ${words.product}</title>
<link rel="stylesheet" href="/pages.css">
</head>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`
  return reply.code(status).type('text/html; charset=utf-8').send(page.html)
}

export const PAGES_CSS = `:root { color-scheme: light dark; font: 18px/1.5 system-ui, sans-serif; }
body { margin: 0; }
main { max-width: 40rem; margin: 0 auto; padding: 1.5rem 1rem; }
h1 { font-size: 1.5rem; }
.about { font-size: 1.25rem; font-weight: 700; }
button { font: inherit; font-weight: 700; width: 100%; min-height: 4rem; border: 0; border-radius: 0.5rem;
  background: #0b5d3b; color: #fff; cursor: pointer; }
button.second { background: transparent; color: inherit; border: 2px solid #6b7480; }
.calls { display: flex; gap: 0.75rem; }
.calls a { flex: 1; padding: 0.9rem 0; text-align: center; font-weight: 700; color: inherit; border: 2px solid #6b7480;
  border-radius: 0.5rem; }
form { margin: 0 0 0.75rem; }
button + button { margin-top: 0.75rem; }
.tick { display: flex; align-items: center; gap: 0.75rem; min-height: 3rem; }
.tick input { width: 1.5rem; height: 1.5rem; flex: none; }
button:focus-visible, a:focus-visible, input:focus-visible { outline: 3px solid #f0a500; outline-offset: 2px; }
label { display: block; margin: 0.75rem 0; }
input { font: inherit; display: block; box-sizing: border-box; width: 100%; padding: 0.5rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.85rem; }
td, th { text-align: left; vertical-align: top; padding: 0.25rem 0.5rem; border-bottom: 1px solid #8888; }
code { font-size: 0.9em; overflow-wrap: anywhere; }
`
