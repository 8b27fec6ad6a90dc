import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Figure } from './figures.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const PAGES = ['README.md', 'docs/benchmark.md']
const BEGIN = '<!-- bench:begin -->'
const END = '<!-- bench:end -->'

export function tableOf(figures: Figure[]): string {
  const rows = figures.map(({ what, shown, how }) => `| ${what} | ${shown} | ${how} |`)
  return ['| | measured | how |', '|---|---|---|', ...rows].join('\n')
}

/** The machine a table was measured on, without its name. */
export function machineLine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown'
  const gib = Math.round(totalmem() / 2 ** 30)
  return `${availableParallelism()} processors (${model}), ${gib} GiB, Node ${process.versions.node}, load generator and database on the same machine.`
}

/** Puts the table between the markers of both pages. @throws where a page has none */
export function writeTables(figures: Figure[]): void {
  const text = `${machineLine()}\n\n${tableOf(figures)}`
  for (const page of PAGES) {
    const path = join(ROOT, page)
    const after = between(readFileSync(path, 'utf8'), text)
    if (after === null) throw new Error(`${page} has no place for the table: ${BEGIN} and ${END} are expected`)
    writeFileSync(path, after)
  }
}

/** Null where the markers are missing. */
export function between(page: string, text: string): string | null {
  const from = page.indexOf(BEGIN)
  const to = page.indexOf(END)
  if (from < 0 || to < from) return null
  return `${page.slice(0, from + BEGIN.length)}\n${text}\n${page.slice(to)}`
}
