import { randomBytes } from 'node:crypto'
import { accountOf } from '../../../devices/device-account.ts'
import type { ConventionName, DeviceKind } from '../../../devices/observation.ts'
import type { Sealing } from '../sealing.ts'
import type { Queryable } from './pool.ts'

/** Makes cells, homes, contacts and devices. Reading them for a page is in the views of the rooms that show them. */

type ContactRole = 'family-keyholder' | 'family' | 'neighbour' | 'property-manager'
export type Language = 'zh' | 'en'

export type NewHome = {
  homeId: string
  gridCellId: string
  /** What a responder needs to find the door, e.g. `3号楼2单元502`. */
  label: string
  language: Language
  timeZone: string
  residentName?: string
  address?: string
  notes?: string
}
export type NewContact = {
  homeId: string
  contactId: string
  name: string
  role: ContactRole
  /** E.164, e.g. +8615500000101. */
  phone: string
  language: Language
  /** Order within the role: the lower is told first. */
  position: number
}
export type NewDevice = {
  homeId: string
  deviceId: string
  kind: DeviceKind
  room: string | null
  gatewayId: string | null
  /** Of a device that does not speak natively: both of them, as in PlacedDevice. */
  convention?: ConventionName | null
  address?: string | null
}
/** Shown once, to whoever placed the device; only its keyed hash is kept. */
export type DeviceCredentials = { username: string; password: string }

const SECRET_BYTES = 24

export async function createGridCell(
  tx: Queryable,
  cell: { gridCellId: string; community: string; name: string; timeZone: string },
): Promise<void> {
  await tx.query('insert into grid_cell (grid_cell_id, community, name, time_zone) values ($1, $2, $3, $4)', [
    cell.gridCellId,
    cell.community,
    cell.name,
    cell.timeZone,
  ])
}

export async function homeExists(db: Queryable, homeId: string): Promise<boolean> {
  const { rowCount } = await db.query('select 1 from home where home_id = $1', [homeId])
  return rowCount === 1
}

export async function createHome(tx: Queryable, sealing: Sealing, home: NewHome): Promise<void> {
  const seal = (text: string | undefined) => (text === undefined ? null : sealing.seal(text))
  await tx.query(
    `insert into home (home_id, grid_cell_id, label, language, time_zone, resident_sealed, address_sealed, notes_sealed)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      home.homeId,
      home.gridCellId,
      home.label,
      home.language,
      home.timeZone,
      seal(home.residentName),
      seal(home.address),
      seal(home.notes),
    ],
  )
}

export async function createContact(tx: Queryable, sealing: Sealing, contact: NewContact): Promise<void> {
  await tx.query(
    `insert into contact (home_id, contact_id, name_sealed, role, phone_sealed, phone_hash, language, position)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      contact.homeId,
      contact.contactId,
      sealing.seal(contact.name),
      contact.role,
      sealing.seal(contact.phone),
      sealing.phoneHash(contact.phone),
      contact.language,
      contact.position,
    ],
  )
}

/** Places a device and makes its account. The home's facts are read anew by the rules (`settings_version`). */
export async function createDevice(tx: Queryable, sealing: Sealing, device: NewDevice): Promise<DeviceCredentials> {
  const { homeId, deviceId, kind, room, gatewayId, convention = null, address = null } = device
  await tx.query(
    `insert into device (home_id, device_id, kind, room, gateway_id, convention, address)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [homeId, deviceId, kind, room, gatewayId, convention, address],
  )
  await tx.query('update home set settings_version = settings_version + 1 where home_id = $1', [device.homeId])
  return issueDeviceSecret(tx, sealing, device.homeId, device.deviceId)
}

/** A new secret for the device's account; the old one is refused from its next connection on. */
export async function issueDeviceSecret(
  tx: Queryable,
  sealing: Sealing,
  homeId: string,
  deviceId: string,
): Promise<DeviceCredentials> {
  const password = randomBytes(SECRET_BYTES).toString('base64url')
  const username = accountOf(homeId, deviceId)
  await tx.query(
    `insert into device_account (account, home_id, device_id, secret_hash) values ($1, $2, $3, $4)
     on conflict (account) do update set secret_hash = excluded.secret_hash, revoked_at = null`,
    [username, homeId, deviceId, sealing.secretHash(password)],
  )
  return { username, password }
}
