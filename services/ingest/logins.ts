import { timingSafeEqual } from 'node:crypto'
import type { AccountDirectory, Clock, DeviceAccount } from '../ports.ts'
import { createKnownAccounts } from './known-accounts.ts'

/** How long a known account is not asked for again; a change that is announced ends it at once. */
const KNOWN_MS = 60_000
/** A refusal is doubted after this: the account may just have been made, or its secret changed. */
const REFUSED_MS = 1_000
/** What a known account may do is doubted no sooner than this after it was read. */
const DOUBTED_MS = 5_000

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
  const known = createKnownAccounts()
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
    known.keep(username, account, clock.monotonicMs())
    return account
  }

  return {
    reread,
    doubt(username) {
      const running = asking.get(username)
      if (running) return running.answer
      const readMs = known.find(username)?.readMs ?? Number.NEGATIVE_INFINITY
      return clock.monotonicMs() - readMs < DOUBTED_MS ? null : reread(username)
    },
    forget(homeId) {
      for (const { changed } of asking.values()) changed.add(homeId)
      known.forgetHome(homeId)
    },
    async check(username, secret) {
      const hash = accounts.hashSecret(secret)
      const opens = (account: DeviceAccount | null) => {
        // An unknown account takes as long as a wrong secret.
        const same = timingSafeEqual(hash, account?.secretHash ?? new Uint8Array(hash.length))
        return account !== null && same ? account : null
      }
      const entry = known.find(username)
      const readMs = entry?.readMs ?? known.unknownSince(username) ?? Number.NEGATIVE_INFINITY
      const ageMs = clock.monotonicMs() - readMs
      const opened = entry && ageMs < KNOWN_MS ? opens(entry.account) : null
      if (opened || ageMs < REFUSED_MS) return opened
      return opens(await reread(username))
    },
  }
}
