import { readdirSync, readFileSync } from 'node:fs'

/** Linux only: what processes hold is in /proc. */

/** Proportional set size of a process and all its descendants, in bytes by command name; shared pages count once. */
export function pssOfTree(root: number): Map<string, number> {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : null
    // The command stands in parentheses and may hold anything, so we count from the last one.
    const parent = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
    if (parent) parents.set(Number(name), Number(parent))
  }
  const bytes = new Map<string, number>()
  for (const pid of parents.keys()) {
    if (!descends(pid, root, parents)) continue
    const name = commandOf(pid)
    bytes.set(name, (bytes.get(name) ?? 0) + kibibytes(read(`/proc/${pid}/smaps_rollup`), 'Pss') * 1024)
  }
  return bytes
}

/** Resident bytes of one process. */
export function rssOf(pid: number): number {
  return kibibytes(read(`/proc/${pid}/status`), 'VmRSS') * 1024
}

function descends(pid: number, root: number, parents: Map<number, number>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 0; at = parents.get(at)) if (at === root) return true
  return false
}

function commandOf(pid: number): string {
  const words = (read(`/proc/${pid}/cmdline`) ?? '').split('\0')
  if (words[0]?.startsWith('postgres') || words[0]?.endsWith('/postgres')) return 'database'
  return words.some((word) => word.includes('simulators')) ? 'simulators' : 'platform'
}

function kibibytes(text: string | null, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text ?? '')?.[1] ?? 0)
}

/** Null where the process ended while we looked. */
function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
