import type { DeviceAccount, Log } from '../ports.ts'
import type { AccountPresence, AccountsPresent } from './accounts-present.ts'
import { errorCode } from './error-code.ts'
import type { Logins } from './logins.ts'

/** Changes of a device gather for so long, for one of its accounts is read once for all of them. */
const GATHER_MS = 500
/** Bytes of messages that wait until their account was read again; further ones are judged by what is known. */
const HELD_BYTES = 4 * 1024 * 1024

export type AccountRecheck = {
  deviceChanged(homeId: string, deviceId: string): void
  /**
   * A message was refused by what is known of its account, which may be old: a device was placed and nobody has said so
   * here yet. Resolves when it was read again, and always; null when it was read a moment ago, so the message waits for nothing.
   */
  refused(presence: AccountPresence, bytes: number): Promise<void> | null
  close(): void
}

type Options = { logins: Logins; present: AccountsPresent; log: Log }

/** Reads the accounts of connected devices again when something about them changed: revoked ones are disconnected. */
export function createAccountRecheck({ logins, present, log }: Options): AccountRecheck {
  const doubted = new Map<string, string>()
  let heldBytes = 0
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
    if (presence) settle(presence, account)
  }

  function settle(presence: AccountPresence, account: DeviceAccount | null): void {
    const same = account !== null && Buffer.compare(account.secretHash, presence.account.secretHash) === 0
    if (same) present.update(account)
    else for (const connection of [...presence.connections]) connection.end('account-revoked')
  }

  function schedule(): void {
    timer ??= setTimeout(recheck, GATHER_MS)
  }

  return {
    deviceChanged(homeId, deviceId) {
      // Also the accounts that are away: they come back with what holds then.
      logins.forget(homeId)
      for (const { account } of present.ofHome(homeId)) {
        // A device that is new may stand behind any of the home's gateways.
        const concerned = account.deviceId === deviceId || account.devices.some(({ kind }) => kind === 'gateway')
        if (concerned) doubted.set(account.account, homeId)
      }
      if (doubted.size > 0) schedule()
    },
    refused(presence, bytes) {
      if (heldBytes + bytes > HELD_BYTES) return null
      const asked = logins.doubt(presence.account.account)
      if (!asked) return null
      heldBytes += bytes
      return asked
        .then((account) => settle(presence, account))
        .catch((err) => log.debug({ code: errorCode(err) }, 'an account cannot be read again'))
        .finally(() => {
          heldBytes -= bytes
        })
    },
    close() {
      doubted.clear()
      if (timer) clearTimeout(timer)
    },
  }
}
