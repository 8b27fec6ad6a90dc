import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_EVERY_MS = 10

/** Looks again and again. @returns whether it was so within that time */
export async function seen(isSo: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
  for (const deadline = performance.now() + withinMs; performance.now() < deadline; await sleep(LOOK_EVERY_MS)) {
    if (await isSo()) return true
  }
  return false
}
