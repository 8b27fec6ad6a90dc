import { createContact, createGridCell, createHome } from '../../store/postgres/homes.ts'
import type { Database } from '../../store/postgres/pool.ts'
import { addCellMember, createUser } from '../../store/postgres/users.ts'
import type { Sealing } from '../../store/sealing.ts'

/** Who plays in the stories. Two homes of one cell; the neighbour of one is the daughter of the other. */
export const PHONES = {
  daughter: '+8615500000101',
  son: '+8615500000102',
  otherSon: '+8615500000201',
  worker: '+8615500000301',
  coordinator: '+8615500000401',
  stranger: '+8615500000999',
} as const
export type Person = keyof typeof PHONES

export const HOME = 'home-001'
export const OTHER_HOME = 'home-002'

export async function settleCommunity(pool: Database, sealing: Sealing): Promise<void> {
  await createGridCell(pool, {
    gridCellId: 'cell-1',
    community: 'Willow Lane',
    name: 'Cell 1',
    timeZone: 'Asia/Shanghai',
  })
  const home = { gridCellId: 'cell-1', language: 'en', timeZone: 'Asia/Shanghai' } as const
  await createHome(pool, sealing, { ...home, homeId: HOME, label: 'Bldg 3-502' })
  await createHome(pool, sealing, { ...home, homeId: OTHER_HOME, label: 'Bldg 7-101' })
  const contact = { role: 'family-keyholder', language: 'en', position: 0 } as const
  await createContact(pool, sealing, {
    ...contact,
    homeId: HOME,
    contactId: 'c1',
    name: 'Chen Mei',
    phone: PHONES.daughter,
  })
  await createContact(pool, sealing, {
    ...contact,
    homeId: HOME,
    contactId: 'c2',
    name: 'Chen Bo',
    role: 'family',
    phone: PHONES.son,
  })
  // The daughter of the first home keeps the second one's key as well: one phone for two homes.
  await createContact(pool, sealing, {
    ...contact,
    homeId: OTHER_HOME,
    contactId: 'c3',
    name: 'Chen Mei',
    phone: PHONES.daughter,
  })
  await createContact(pool, sealing, {
    ...contact,
    homeId: OTHER_HOME,
    contactId: 'c4',
    name: 'Wu Jun',
    role: 'family',
    phone: PHONES.otherSon,
  })
  const user = { password: 'not used here', language: 'en', onCall: true } as const
  await createUser(pool, sealing, {
    ...user,
    userId: 'u1',
    login: 'lina',
    role: 'social-worker',
    name: 'Li Na',
    phone: PHONES.worker,
  })
  await createUser(pool, sealing, {
    ...user,
    userId: 'u2',
    login: 'zhao',
    role: 'coordinator',
    name: 'Zhao Yan',
    phone: PHONES.coordinator,
  })
  await addCellMember(pool, 'cell-1', 'u1')
  await addCellMember(pool, 'cell-1', 'u2')
}
