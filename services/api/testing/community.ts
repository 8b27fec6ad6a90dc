import { createContact, createDevice, createGridCell, createHome, type NewContact } from '../../store/postgres/homes.ts'
import type { Database } from '../../store/postgres/pool.ts'
import { addCellMember, addHomeMember, createUser, type UserRole } from '../../store/postgres/users.ts'
import type { Sealing } from '../../store/sealing.ts'

export const PASSWORD = 'a password for tests'
export const HOME = 'home-001'
export const OTHER_HOME = 'home-002'

/** Each role once for the first home's cell, and for the second one's a worker and a family: strangers to the first. */
const PEOPLE: {
  login: string
  role: UserRole
  name: string
  cells: string[]
  homes: { id: string; contact: string | null }[]
}[] = [
  { login: 'admin', role: 'admin', name: 'Ada', cells: [], homes: [] },
  { login: 'auditor', role: 'auditor', name: 'Otto', cells: [], homes: [] },
  { login: 'coordinator', role: 'coordinator', name: 'Zhao Yan', cells: ['cell-1'], homes: [] },
  { login: 'worker', role: 'social-worker', name: 'Li Na', cells: ['cell-1'], homes: [] },
  { login: 'installer', role: 'installer', name: 'Ma Gong', cells: ['cell-1'], homes: [] },
  { login: 'family', role: 'family', name: 'Chen Mei', cells: [], homes: [{ id: HOME, contact: 'c1' }] },
  { login: 'resident', role: 'resident', name: 'Wang Guifang', cells: [], homes: [{ id: HOME, contact: null }] },
  { login: 'other-coordinator', role: 'coordinator', name: 'Sun Li', cells: ['cell-2'], homes: [] },
  { login: 'other-worker', role: 'social-worker', name: 'Wu Jun', cells: ['cell-2'], homes: [] },
  { login: 'other-family', role: 'family', name: 'Liu Yang', cells: [], homes: [{ id: OTHER_HOME, contact: 'c3' }] },
  { login: 'other-installer', role: 'installer', name: 'Luo Gong', cells: ['cell-2'], homes: [] },
]

export async function settleCommunity(pool: Database, sealing: Sealing): Promise<void> {
  const place = { community: 'Willow Lane', timeZone: 'Asia/Shanghai' }
  await createGridCell(pool, { ...place, gridCellId: 'cell-1', name: 'Cell 1' })
  await createGridCell(pool, { ...place, gridCellId: 'cell-2', name: 'Cell 2' })
  const home = { language: 'en', timeZone: 'Asia/Shanghai' } as const
  await createHome(pool, sealing, {
    ...home,
    homeId: HOME,
    gridCellId: 'cell-1',
    label: 'Bldg 3-502',
    residentName: 'Wang Guifang',
    address: '3 Willow Lane',
  })
  await createHome(pool, sealing, { ...home, homeId: OTHER_HOME, gridCellId: 'cell-2', label: 'Bldg 7-101' })
  const contacts: NewContact[] = [
    {
      homeId: HOME,
      contactId: 'c1',
      name: 'Chen Mei',
      role: 'family-keyholder',
      phone: '+8615500000101',
      language: 'en',
      position: 0,
    },
    {
      homeId: HOME,
      contactId: 'c2',
      name: 'Chen Bo',
      role: 'family',
      phone: '+8615500000102',
      language: 'zh',
      position: 1,
    },
    {
      homeId: OTHER_HOME,
      contactId: 'c3',
      name: 'Liu Yang',
      role: 'family-keyholder',
      phone: '+8615500000201',
      language: 'en',
      position: 0,
    },
  ]
  for (const contact of contacts) await createContact(pool, sealing, contact)
  for (const homeId of [HOME, OTHER_HOME]) {
    await createDevice(pool, sealing, { homeId, deviceId: 'gateway', kind: 'gateway', room: null, gatewayId: null })
    const button = { homeId, deviceId: 'sos-bath', kind: 'sos-button', room: 'bathroom', gatewayId: 'gateway' } as const
    await createDevice(pool, sealing, button)
  }
  for (const [index, { login, role, name, cells, homes }] of PEOPLE.entries()) {
    const phone = `+8615500003${String(index).padStart(2, '0')}`
    await createUser(pool, sealing, {
      userId: `id-${login}`,
      login,
      password: PASSWORD,
      role,
      name,
      phone,
      language: 'en',
      onCall: true,
    })
    for (const cell of cells) await addCellMember(pool, cell, `id-${login}`)
    for (const { id, contact } of homes) await addHomeMember(pool, id, `id-${login}`, contact)
  }
}
