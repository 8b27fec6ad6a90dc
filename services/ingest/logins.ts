import { timingSafeEqual } from 'node:crypto'
import type { AccountDirectory, Clock, DeviceAccount } from '../ports.ts'

/** How long a known account is not asked for again; a revocation that is announced ends it at once. */
const KNOWN_MS = 60_000
/** A refusal is doubted after this: the account may just have been made, or its secret changed. */
const REFUSED_MS = 1_000
/** Accounts kept; above it the oldest entries go. */
const KEPT = 20_000

type Entry = { account: DeviceAccount | null; readMs: number }

export type Logins = {
  /** The account when the secret is its own, else null. @throws when the directory cannot be asked */
  check(username: string, secret: string): Promise<DeviceAccount | null>
  /** Asks the directory whatever is kept here. */
  reread(username: string): Promise<DeviceAccount | null>
}

export function createLogins(accounts: AccountDirectory, clock: Clock): Logins {
  const kept = new Map<string, Entry>()
  const asking = new Map<string, Promise<DeviceAccount | null>>()

  function reread(username: string): Promise<DeviceAccount | null> {
    const running = asking.get(username)
    if (running) return running
    const asked = ask(username).finally(() => asking.delete(username))
    asking.set(username, asked)
    return asked
  }

  async function ask(username: string): Promise<DeviceAccount | null> {
    const account = await accounts.find(username)
    kept.delete(username)
    kept.set(username, { account, readMs: clock.monotonicMs() })
    for (const oldest of kept.keys()) {
      if (kept.size <= KEPT) break
      kept.delete(oldest)
    }
    return account
  }

  return {
    reread,
    async check(username, secret) {
      const hash = accounts.hashSecret(secret)
      const opens = (account: DeviceAccount | null) => {
        // An unknown account takes as long as a wrong secret.
        const same = timingSafeEqual(hash, account?.secretHash ?? new Uint8Array(hash.length))
        return account !== null && same ? account : null
      }
      const entry = kept.get(username)
      const ageMs = entry ? clock.monotonicMs() - entry.readMs : Number.POSITIVE_INFINITY
      const known = entry && ageMs < KNOWN_MS ? opens(entry.account) : null
      if (known || ageMs < REFUSED_MS) return known
      return opens(await reread(username))
    },
  }
}
