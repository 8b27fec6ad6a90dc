import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The postmaster as a process. */

const STOP_LIMIT_MS = 20_000

/** Fast shutdown; at the limit the backends are cut off and the next start recovers. */
export async function stopPostmaster(pid: number): Promise<void> {
  const deadline = performance.now() + STOP_LIMIT_MS
  signal(pid, 'SIGINT')
  while (isAlive(pid)) {
    if (performance.now() > deadline) {
      signal(pid, 'SIGQUIT')
      return
    }
    await sleep(20)
  }
}

/** The postmaster that still runs on `data`, when its pid file names a living process. */
export function runningPid(data: string): number | null {
  try {
    const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
    return Number.isInteger(pid) && pid > 1 && isAlive(pid) ? pid : null
  } catch {
    return null
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended by itself.
  }
}
