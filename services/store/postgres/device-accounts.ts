import type { AccountDirectory } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import type { Database } from './pool.ts'

const FIND = `
  select a.account, a.home_id, a.device_id, a.secret_hash,
         (select json_agg(json_build_object('deviceId', d.device_id, 'kind', d.kind, 'address', d.address) order by d.device_id)
            from device d
           where d.home_id = a.home_id and d.retired_at is null
             and (d.device_id = a.device_id or d.gateway_id = a.device_id)) as devices
    from device_account a join device own using (home_id, device_id)
   where a.account = $1 and a.revoked_at is null and own.retired_at is null`

type AccountRow = {
  account: string
  home_id: string
  device_id: string
  secret_hash: Buffer
  devices: { deviceId: string; kind: string; address: string | null }[]
}

/** The accounts of devices and gateways, as ingest asks for them. */
export function createDeviceAccounts(pool: Database, sealing: Sealing): AccountDirectory {
  return {
    async find(username) {
      // No text column holds U+0000, so no account does.
      if (username.includes('\0')) return null
      const { rows } = await pool.query<AccountRow>({ name: 'account-find', text: FIND, values: [username] })
      const row = rows[0]
      if (!row) return null
      const { account, home_id: homeId, device_id: deviceId, devices } = row
      // A copy: accounts are kept, and the row's own bytes would keep the 8 KiB with them that they were cut from.
      return { account, homeId, deviceId, secretHash: Uint8Array.from(row.secret_hash), devices }
    },
    hashSecret: (secret) => sealing.secretHash(secret),
    async startSession(account) {
      const { rows } = await pool.query<{ session: number }>({
        name: 'account-start-session',
        text: 'update device_account set session = session + 1 where account = $1 returning session',
        values: [account],
      })
      return sessionOf(rows, account)
    },
    async latestSession(account) {
      const { rows } = await pool.query<{ session: number }>({
        name: 'account-latest-session',
        text: 'select session from device_account where account = $1',
        values: [account],
      })
      return sessionOf(rows, account)
    },
  }
}

function sessionOf(rows: { session: number }[], account: string): number {
  const row = rows[0]
  if (!row) throw new Error(`account ${account} is gone`)
  return row.session
}
