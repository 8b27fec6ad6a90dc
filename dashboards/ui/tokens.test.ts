import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/** WCAG 2.2, 1.4.6 (AAA) for text and 1.4.11 for what is not text. */
const TEXT_CONTRAST = 7
const EDGE_CONTRAST = 3

/** Each foreground with whatever a page may put it on. */
const texts: Record<string, string[]> = {
  text: ['page', 'card', 'stale'],
  'text-second': ['page', 'card', 'stale'],
  link: ['page', 'card', 'stale'],
  'on-action': ['action'],
  'on-high': ['high'],
  'on-high-tint': ['high-tint'],
  'on-medium': ['medium'],
  'on-medium-tint': ['medium-tint'],
  'on-low': ['low'],
  'on-fine-tint': ['fine-tint'],
  'on-stale': ['stale'],
}
const edges: Record<string, string[]> = {
  'border-control': ['page', 'card', 'stale'],
  focus: ['page', 'card', 'stale'],
  'high-edge': ['card', 'high-tint'],
  'medium-edge': ['card', 'medium-tint'],
  'low-edge': ['card'],
  'fine-edge': ['card', 'fine-tint'],
  'stale-edge': ['page', 'card', 'stale'],
}

const [light = '', dark = ''] = readFileSync(new URL('tokens.css', import.meta.url), 'utf8').split('@media')

describe.each([
  ['light', coloursOf(light)],
  ['dark', coloursOf(dark)],
])('the colours of the %s pages', (_scheme, colours) => {
  it.each(Object.keys(texts))('can be read: %s', (text) => {
    for (const ground of texts[text] ?? []) {
      expect(contrast(colours, text, ground), `${text} on ${ground}`).toBeGreaterThanOrEqual(TEXT_CONTRAST)
    }
  })

  it.each(Object.keys(edges))('can be told apart: %s', (edge) => {
    for (const ground of edges[edge] ?? []) {
      expect(contrast(colours, edge, ground), `${edge} on ${ground}`).toBeGreaterThanOrEqual(EDGE_CONTRAST)
    }
  })
})

function coloursOf(css: string): Map<string, string> {
  const declarations = css.matchAll(/--([\w-]+): #([0-9a-f]{3}(?:[0-9a-f]{3})?);/g)
  return new Map([...declarations].map(([, name = '', hex = '']) => [name, hex]))
}

function contrast(colours: Map<string, string>, a: string, b: string): number {
  const [darker = 0, lighter = 0] = [luminance(colours, a), luminance(colours, b)].sort((one, other) => one - other)
  return (lighter + 0.05) / (darker + 0.05)
}

/** Relative luminance of sRGB, as WCAG 2.2 defines it. */
function luminance(colours: Map<string, string>, name: string): number {
  const hex = colours.get(name)
  if (hex === undefined) throw new Error(`tokens.css has no colour ${name}`)
  const digits = hex.length === 3 ? [...hex].map((digit) => digit + digit) : (hex.match(/../g) ?? [])
  const [red = 0, green = 0, blue = 0] = digits.map((digit) => linear(Number.parseInt(digit, 16) / 255))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function linear(channel: number): number {
  return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
}
