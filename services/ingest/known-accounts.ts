import type { DeviceAccount } from '../ports.ts'

/** Accounts kept; above it the oldest entries go. */
const KEPT = 20_000
/** Names that nobody has, kept apart so that guesses push out no account; above it the oldest go. */
const KEPT_UNKNOWN = 2_000

type Entry = { account: DeviceAccount; readMs: number }

export type KnownAccounts = {
  find(username: string): Entry | undefined
  /** When the name was read and nobody had it. */
  unknownSince(username: string): number | undefined
  keep(username: string, account: DeviceAccount | null, readMs: number): void
  forgetHome(homeId: string): void
}

/** What the directory said of accounts, bounded. */
export function createKnownAccounts(): KnownAccounts {
  const kept = new Map<string, Entry>()
  const namesOf = new Map<string, Set<string>>()
  const unknown = new Map<string, number>()

  function drop(username: string): void {
    const entry = kept.get(username)
    if (!entry) return
    kept.delete(username)
    const names = namesOf.get(entry.account.homeId)
    names?.delete(username)
    if (names?.size === 0) namesOf.delete(entry.account.homeId)
  }

  return {
    find: (username) => kept.get(username),
    unknownSince: (username) => unknown.get(username),
    keep(username, account, readMs) {
      drop(username)
      unknown.delete(username)
      if (!account) {
        unknown.set(username, readMs)
        if (unknown.size > KEPT_UNKNOWN) unknown.delete(oldestOf(unknown))
        return
      }
      kept.set(username, { account, readMs })
      const names = namesOf.get(account.homeId)
      if (names) names.add(username)
      else namesOf.set(account.homeId, new Set([username]))
      if (kept.size > KEPT) drop(oldestOf(kept))
    },
    forgetHome(homeId) {
      for (const username of [...(namesOf.get(homeId) ?? [])]) drop(username)
    },
  }
}

/** A map keeps the order in which its entries came. */
function oldestOf(entries: ReadonlyMap<string, unknown>): string {
  return entries.keys().next().value ?? ''
}
