import type { Log } from '../ports.ts'
import type { AccountsPresent } from './accounts-present.ts'
import { errorCode } from './error-code.ts'
import type { Logins } from './logins.ts'

/** Changes of a device gather for so long, for one of its accounts is read once for all of them. */
const GATHER_MS = 500

export type AccountRecheck = { deviceChanged(homeId: string, deviceId: string): void; close(): void }

type Options = { logins: Logins; present: AccountsPresent; log: Log }

/** Reads the accounts of connected devices again when something about them changed: revoked ones are disconnected. */
export function createAccountRecheck({ logins, present, log }: Options): AccountRecheck {
  const doubted = new Map<string, string>()
  let timer: NodeJS.Timeout | null = null

  async function recheck(): Promise<void> {
    for (const [username, homeId] of doubted) {
      doubted.delete(username)
      try {
        await recheckOne(username, homeId)
      } catch (err) {
        log.warn({ code: errorCode(err), account: username }, 'an account cannot be read again')
        doubted.set(username, homeId)
        break
      }
    }
    timer = null
    if (doubted.size > 0) schedule()
  }

  async function recheckOne(username: string, homeId: string): Promise<void> {
    const account = await logins.reread(username)
    const presence = present.ofHome(homeId).find((candidate) => candidate.account.account === username)
    if (!presence) return
    const same = account !== null && Buffer.compare(account.secretHash, presence.account.secretHash) === 0
    if (same) return present.update(account)
    for (const connection of [...presence.connections]) connection.end('account-revoked')
  }

  function schedule(): void {
    timer ??= setTimeout(recheck, GATHER_MS)
  }

  return {
    deviceChanged(homeId, deviceId) {
      for (const { account } of present.ofHome(homeId)) {
        // A device that is new may stand behind any of the home's gateways.
        const concerned = account.deviceId === deviceId || account.devices.some(({ kind }) => kind === 'gateway')
        if (concerned) doubted.set(account.account, homeId)
      }
      if (doubted.size > 0) schedule()
    },
    close() {
      doubted.clear()
      if (timer) clearTimeout(timer)
    },
  }
}
