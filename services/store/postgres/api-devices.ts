import type { DeviceList, DevicePlaced, Devices, NewDeviceAsked, Scope } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import { actorOf, announceChange, HOME_VISIBLE, isHomeVisible, readAudited, scopeValues } from './api-scope.ts'
import { writeAudit } from './audit.ts'
import { issueDeviceSecret } from './homes.ts'
import { type Database, inTransaction, type Queryable } from './pool.ts'

/** A home's state grows with each device; beyond this somebody has mistaken a home for a building. */
const MAX_DEVICES_PER_HOME = 100

export function createDevices(pool: Database, sealing: Sealing): Devices {
  return {
    list: (scope, homeId) =>
      readAudited(
        pool,
        scope,
        async (tx) => {
          const { rows } = await tx.query<DeviceList>({
            name: 'api-devices',
            text: `select (select s.state from home_state s where s.home_id = h.home_id) as state,
                     coalesce((select json_agg(json_build_object('deviceId', d.device_id, 'kind', d.kind,
                         'room', d.room, 'gatewayId', d.gateway_id, 'convention', d.convention, 'address', d.address,
                         'retired', false) order by d.device_id)
                       from device d where d.home_id = h.home_id and d.retired_at is null), '[]') as devices
                   from home h where h.home_id = $3 and ${HOME_VISIBLE}`,
            values: [...scopeValues(scope), homeId],
          })
          return rows[0] ?? null
        },
        // Without personal rights the resident's movements are left out, so nothing personal is seen.
        (list) => (list && scope.personal ? { action: 'devices.read', homeId } : null),
      ),
    place: (scope, homeId, device) => inTransaction(pool, (tx) => placeDevice(tx, sealing, scope, homeId, device)),
    revoke: (scope, homeId, deviceId) =>
      inTransaction(pool, async (tx) => {
        if (!(await isHomeVisible(tx, scope, homeId))) return false
        await lockHome(tx, homeId)
        const { rowCount } = await tx.query(
          'update device set retired_at = now() where home_id = $1 and device_id = $2 and retired_at is null',
          [homeId, deviceId],
        )
        if (rowCount === 0) return false
        await tx.query(
          'update device_account set revoked_at = now() where home_id = $1 and device_id = $2 and revoked_at is null',
          [homeId, deviceId],
        )
        await announceChange(tx, { kind: 'device', homeId, ref: deviceId })
        await writeAudit(tx, { actor: actorOf(scope), action: 'device.revoked', homeId, subject: deviceId })
        return true
      }),
  }
}

/** First of all, so that who places and who revokes wait for each other in one order. */
async function lockHome(tx: Queryable, homeId: string): Promise<void> {
  await tx.query('select 1 from home where home_id = $1 for no key update', [homeId])
}

async function placeDevice(
  tx: Queryable,
  sealing: Sealing,
  scope: Scope,
  homeId: string,
  device: NewDeviceAsked,
): Promise<DevicePlaced> {
  const { deviceId, kind, room, gatewayId, convention = null, address = null } = device
  if (!(await isHomeVisible(tx, scope, homeId))) return { outcome: 'no-such-home' }
  // Two installers at once see each other's devices: one finds the address taken, or the home full.
  await lockHome(tx, homeId)
  const { rows } = await tx.query<{ devices: number; gateway: boolean; taken: boolean }>(
    `select count(*)::int as devices,
       coalesce(bool_or(device_id = $2 and kind = 'gateway'), false) as gateway,
       coalesce(bool_or(coalesce(gateway_id, device_id) = coalesce($2, $3) and address = $4), false) as taken
     from device where home_id = $1 and retired_at is null`,
    [homeId, gatewayId, deviceId, address],
  )
  if (gatewayId !== null && !rows[0]?.gateway) return { outcome: 'unknown-gateway' }
  if (rows[0]?.taken) return { outcome: 'address-taken' }
  if ((rows[0]?.devices ?? 0) >= MAX_DEVICES_PER_HOME) return { outcome: 'too-many' }
  const placed = await tx.query(
    `insert into device as d (home_id, device_id, kind, room, gateway_id, convention, address)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (home_id, device_id) do update set kind = excluded.kind, room = excluded.room,
       gateway_id = excluded.gateway_id, convention = excluded.convention, address = excluded.address, retired_at = null
     where d.retired_at is not null`,
    [homeId, deviceId, kind, room, gatewayId, convention, address],
  )
  if (placed.rowCount === 0) return { outcome: 'already-exists' }
  const credentials = await issueDeviceSecret(tx, sealing, homeId, deviceId)
  await announceChange(tx, { kind: 'device', homeId, ref: deviceId })
  await writeAudit(tx, { actor: actorOf(scope), action: 'device.created', homeId, subject: deviceId, detail: { kind } })
  return { outcome: 'placed', ...credentials }
}
