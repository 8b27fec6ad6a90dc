import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import type { Figure } from './figures.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const BEGIN = '<!-- bench: written by `npm run bench -- --write` -->'
const END = '<!-- /bench -->'

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

/** Puts the table between the markers of README.md (where it has them) and of docs/benchmark.md. */
export function writeTables(figures: Figure[]): void {
  const text = `${machineLine()}\n\n${tableOf(figures)}`
  const page = join(ROOT, 'docs', 'benchmark.md')
  if (!existsSync(page)) {
    mkdirSync(dirname(page), { recursive: true })
    writeFileSync(page, `# Benchmark\n\n${BEGIN}\n${END}\n`)
  }
  for (const path of [page, join(ROOT, 'README.md')]) {
    const before = existsSync(path) ? readFileSync(path, 'utf8') : ''
    const after = between(before, text)
    if (after !== null) writeFileSync(path, after)
  }
}

/** Null where the markers are missing. */
export function between(page: string, text: string): string | null {
  const from = page.indexOf(BEGIN)
  const to = page.indexOf(END)
  if (from < 0 || to < from) return null
  return `${page.slice(0, from + BEGIN.length)}\n${text}\n${page.slice(to)}`
}
