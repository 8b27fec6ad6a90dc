import { shardOf } from '../core/shard.ts'
import type { Clock, DeviceAccount } from '../ports.ts'
import type { Connection } from './connection.ts'
import type { IngestLimits } from './limits.ts'
import { type Allowance, allowanceFor, ratePerSecond } from './rate.ts'
import { type Rights, rightsOf } from './topic-rights.ts'

/** An account with at least one connection here. */
export type AccountPresence = {
  account: DeviceAccount
  shard: number
  rights: Rights
  allowance: Allowance
  /** Oldest first. */
  connections: Connection[]
}

export type AccountsPresent = {
  /** Ends the account's oldest connection where it has too many: those may be its own, half-open since a cut. */
  join(account: DeviceAccount, connection: Connection): void
  leave(connection: Connection): void
  ofHome(homeId: string): AccountPresence[]
  /** What changed about an account holds for its open connections at once. */
  update(account: DeviceAccount): void
}

export function createAccountsPresent({ clock, limits }: { clock: Clock; limits: IngestLimits }): AccountsPresent {
  const byAccount = new Map<string, AccountPresence>()
  const byHome = new Map<string, Set<AccountPresence>>()

  function open(account: DeviceAccount, connection: Connection): AccountPresence {
    const allowance = allowanceFor(account, limits.ratePerAccount, clock.monotonicMs())
    const presence: AccountPresence = {
      account,
      shard: shardOf(account.homeId),
      rights: rightsOf(account),
      allowance,
      connections: [connection],
    }
    byAccount.set(account.account, presence)
    const home = byHome.get(account.homeId)
    if (home) home.add(presence)
    else byHome.set(account.homeId, new Set([presence]))
    return presence
  }

  function close(presence: AccountPresence): void {
    const { account, homeId } = presence.account
    byAccount.delete(account)
    const home = byHome.get(homeId)
    home?.delete(presence)
    if (home?.size === 0) byHome.delete(homeId)
  }

  return {
    join(account, connection) {
      const presence = byAccount.get(account.account)
      if (!presence) {
        connection.presence = open(account, connection)
        return
      }
      presence.connections.push(connection)
      connection.presence = presence
      if (presence.connections.length > limits.connectionsPerAccount) presence.connections[0]?.end('account-limit')
    },
    leave(connection) {
      const presence = connection.presence
      if (!presence) return
      presence.connections = presence.connections.filter((other) => other !== connection)
      if (presence.connections.length === 0) close(presence)
    },
    ofHome: (homeId) => [...(byHome.get(homeId) ?? [])],
    update(account) {
      const presence = byAccount.get(account.account)
      if (!presence) return
      presence.account = account
      presence.rights = rightsOf(account)
      presence.allowance.perSecond = ratePerSecond(account, limits.ratePerAccount)
    },
  }
}
