import { timingSafeEqual } from 'node:crypto'
import type { AccountDirectory, Clock, DeviceAccount } from '../ports.ts'

/** How long a known account is not asked for again; a change that is announced ends it at once. */
const KNOWN_MS = 60_000
/** A refusal is doubted after this: the account may just have been made, or its secret changed. */
const REFUSED_MS = 1_000
/** What a known account may do is doubted no sooner than this after it was read. */
const DOUBTED_MS = 5_000
/** Accounts kept; above it the oldest entries go. */
const KEPT = 20_000
/** Names that nobody has, kept apart so that guesses push out no real account; above it the oldest go. */
const KEPT_UNKNOWN = 2_000

type Entry = { account: DeviceAccount; readMs: number }
/** An account that is being read, and the homes that changed meanwhile. */
type Asking = { answer: Promise<DeviceAccount | null>; changed: Set<string> }

export type Logins = {
  /** The account when the secret is its own, else null. @throws when the directory cannot be asked */
  check(username: string, secret: string): Promise<DeviceAccount | null>
  /** Asks the directory whatever is kept here. */
  reread(username: string): Promise<DeviceAccount | null>
  /** Asks the directory, unless it was asked a moment ago: then null. */
  doubt(username: string): Promise<DeviceAccount | null> | null
  /** Something about the devices of a home changed: its accounts are asked for anew, also those that are away. */
  forget(homeId: string): void
}

export function createLogins(accounts: AccountDirectory, clock: Clock): Logins {
  const kept = new Map<string, Entry>()
  const namesOf = new Map<string, Set<string>>()
  const unknown = new Map<string, number>()
  const asking = new Map<string, Asking>()

  function reread(username: string): Promise<DeviceAccount | null> {
    const running = asking.get(username)
    if (running) return running.answer
    const changed = new Set<string>()
    const answer = ask(username, changed).finally(() => asking.delete(username))
    asking.set(username, { answer, changed })
    return answer
  }

  async function ask(username: string, changed: Set<string>): Promise<DeviceAccount | null> {
    let account = await accounts.find(username)
    while (account !== null && changed.has(account.homeId)) {
      changed.clear()
      account = await accounts.find(username)
    }
    drop(username)
    unknown.delete(username)
    if (account) keep(username, account)
    else {
      unknown.set(username, clock.monotonicMs())
      if (unknown.size > KEPT_UNKNOWN) unknown.delete(oldestOf(unknown))
    }
    return account
  }

  function keep(username: string, account: DeviceAccount): void {
    kept.set(username, { account, readMs: clock.monotonicMs() })
    const names = namesOf.get(account.homeId)
    if (names) names.add(username)
    else namesOf.set(account.homeId, new Set([username]))
    if (kept.size > KEPT) drop(oldestOf(kept))
  }

  function drop(username: string): void {
    const entry = kept.get(username)
    if (!entry) return
    kept.delete(username)
    const names = namesOf.get(entry.account.homeId)
    names?.delete(username)
    if (names?.size === 0) namesOf.delete(entry.account.homeId)
  }

  return {
    reread,
    doubt(username) {
      const running = asking.get(username)
      if (running) return running.answer
      const readMs = kept.get(username)?.readMs ?? Number.NEGATIVE_INFINITY
      return clock.monotonicMs() - readMs < DOUBTED_MS ? null : reread(username)
    },
    forget(homeId) {
      for (const { changed } of asking.values()) changed.add(homeId)
      for (const username of [...(namesOf.get(homeId) ?? [])]) drop(username)
    },
    async check(username, secret) {
      const hash = accounts.hashSecret(secret)
      const opens = (account: DeviceAccount | null) => {
        // An unknown account takes as long as a wrong secret.
        const same = timingSafeEqual(hash, account?.secretHash ?? new Uint8Array(hash.length))
        return account !== null && same ? account : null
      }
      const entry = kept.get(username)
      const readMs = entry?.readMs ?? unknown.get(username) ?? Number.NEGATIVE_INFINITY
      const ageMs = clock.monotonicMs() - readMs
      const known = entry && ageMs < KNOWN_MS ? opens(entry.account) : null
      if (known || ageMs < REFUSED_MS) return known
      return opens(await reread(username))
    },
  }
}

/** A map keeps the order in which its entries came. */
function oldestOf(entries: ReadonlyMap<string, unknown>): string {
  return entries.keys().next().value ?? ''
}
