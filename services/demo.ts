import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DeviceKind } from '../devices/observation.ts'
import { type Config, ConfigError } from './config.ts'
import {
  createContact,
  createDevice,
  createGridCell,
  createHome,
  homeExists,
  issueDeviceSecret,
} from './store/postgres/homes.ts'
import { type Database, inTransaction, type Queryable } from './store/postgres/pool.ts'
import { addCellMember, addHomeMember, createUser, setPassword, type UserRole } from './store/postgres/users.ts'
import type { Sealing } from './store/sealing.ts'

/** The invented community of the demo: who lives there, who answers, and `demo.json` that tells simulators about it. */

const DEMO_FILE = 'demo.json'
const HOMES = 10
const TIME_ZONE = 'Asia/Shanghai'
const CELLS = [
  { gridCellId: 'cell-east', community: '安邻社区', name: '东区网格', timeZone: TIME_ZONE },
  { gridCellId: 'cell-west', community: '安邻社区', name: '西区网格', timeZone: TIME_ZONE },
]
const RESIDENTS = ['王奶奶', '李爷爷', '张奶奶', '刘爷爷', '陈奶奶', '杨爷爷', '黄奶奶', '赵爷爷', '周奶奶', '吴爷爷']
const KEYHOLDERS = ['王芳', '李强', '张敏', '刘洋', '陈静', '杨帆', '黄丽', '赵磊', '周婷', '吴刚']
const RELATIVES = ['王伟', '李娟', '张涛', '刘霞', '陈勇', '杨雪', '黄鹏', '赵琳', '周杰', '吴梅']
const STAFF: { login: string; role: UserRole; name: string; phone: string; cells: string[]; onCall: boolean }[] = [
  { login: 'admin', role: 'admin', name: '管理员', phone: '+8615500008901', cells: [], onCall: false },
  {
    login: 'coordinator',
    role: 'coordinator',
    name: '孙洁',
    phone: '+8615500008902',
    cells: ['cell-east', 'cell-west'],
    onCall: false,
  },
  {
    login: 'worker-east',
    role: 'social-worker',
    name: '王敏',
    phone: '+8615500008911',
    cells: ['cell-east'],
    onCall: true,
  },
  {
    login: 'worker-west',
    role: 'social-worker',
    name: '李娜',
    phone: '+8615500008912',
    cells: ['cell-west'],
    onCall: true,
  },
  {
    login: 'installer',
    role: 'installer',
    name: '马工',
    phone: '+8615500008921',
    cells: ['cell-east', 'cell-west'],
    onCall: false,
  },
  { login: 'auditor', role: 'auditor', name: '审计员', phone: '+8615500008922', cells: [], onCall: false },
]
const FIRST_HOME = 'home-001'
const FAMILY_LOGIN = 'family'
/** All behind the home's gateway: when it is lost, that is one thing to mend and not one for each device. */
export const DEMO_DEVICES: { deviceId: string; kind: DeviceKind; room: string; gatewayId: string | null }[] = [
  { deviceId: 'gateway', kind: 'gateway', room: '客厅', gatewayId: null },
  { deviceId: 'sos-bath', kind: 'sos-button', room: '卫生间', gatewayId: 'gateway' },
  { deviceId: 'smoke-kitchen', kind: 'smoke-detector', room: '厨房', gatewayId: 'gateway' },
  { deviceId: 'gas-kitchen', kind: 'gas-detector', room: '厨房', gatewayId: 'gateway' },
  { deviceId: 'sleep-bed', kind: 'sleep-monitor', room: '卧室', gatewayId: 'gateway' },
  { deviceId: 'motion-living', kind: 'motion-sensor', room: '客厅', gatewayId: 'gateway' },
]

type DemoDevice = { id: string; kind: DeviceKind; username: string; password: string }
type DemoHome = {
  id: string
  gridCell: string
  contacts: { name: string; role: string; phone: string }[]
  devices: DemoDevice[]
}
export type DemoPeople = {
  users: { role: string; login: string; password: string }[]
  homes: DemoHome[]
  staff: { name: string; role: string; phone: string; gridCell: string | null; onCall: boolean }[]
}
export type DemoAddresses = { http: string; mqtt: string; smsGateway: string }

/**
 * The demo's people are invented, but their numbers could be somebody's: they are told by a simulator on this machine only.
 * @throws {ConfigError} when a real provider is set where the demo would be made, or on a folder where it was
 */
export function refuseDemoOnRealPhones({ production, twilio, dataFolder }: Config): void {
  if (!twilio || isThisMachine(twilio.apiUrl)) return
  if (!production) {
    const expected =
      'nothing in the demo, whose invented numbers may be real people’s: for real phones set NODE_ENV=production and a fresh ANLIN_DATA'
    throw new ConfigError('TWILIO_ACCOUNT_SID', twilio.accountSid, expected, true)
  }
  if (existsSync(join(dataFolder, DEMO_FILE))) {
    throw new ConfigError(
      'ANLIN_DATA',
      dataFolder,
      'a fresh folder, for in this one is the demo and its invented numbers',
    )
  }
}

function isThisMachine(url: string): boolean {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
}

/**
 * Makes the community once; a later start finds it. Before the entrance opens: a database that dies afterwards must not end the
 * platform any more.
 */
export async function prepareDemo(pool: Database, sealing: Sealing, dataFolder: string): Promise<DemoPeople> {
  const known = await knownPeople(pool, join(dataFolder, DEMO_FILE))
  return known ?? (await inTransaction(pool, (tx) => makePeople(tx, sealing)))
}

/** Tells the simulators and whoever looks on where everything is. Returns demo.json's path. */
export function writeDemoFile(dataFolder: string, people: DemoPeople, addresses: DemoAddresses): string {
  const path = join(dataFolder, DEMO_FILE)
  const half = `${path}.new`
  writeFileSync(half, `${JSON.stringify({ ...addresses, ...people }, null, 2)}\n`, { mode: 0o600 })
  chmodSync(half, 0o600)
  renameSync(half, path)
  return path
}

/** Null when the community is not there yet, or its logins are lost and have to be made anew. */
async function knownPeople(pool: Database, path: string): Promise<DemoPeople | null> {
  if (!existsSync(path) || !(await homeExists(pool, FIRST_HOME))) return null
  const { users, homes, staff } = JSON.parse(readFileSync(path, 'utf8')) as DemoPeople
  return { users, homes, staff }
}

async function makePeople(tx: Queryable, sealing: Sealing): Promise<DemoPeople> {
  const isNew = !(await homeExists(tx, FIRST_HOME))
  const users: DemoPeople['users'] = []
  const withLogin = async (userId: string, role: UserRole, name: string, phone: string | null, onCall: boolean) => {
    const password = randomBytes(9).toString('base64url')
    users.push({ role, login: userId, password })
    if (isNew)
      await createUser(tx, sealing, { userId, login: userId, password, role, name, phone, language: 'zh', onCall })
    else await setPassword(tx, userId, password)
  }

  if (isNew) for (const cell of CELLS) await createGridCell(tx, cell)
  for (const { login, role, name, phone, cells, onCall } of STAFF) {
    await withLogin(login, role, name, phone, onCall)
    if (isNew) for (const cell of cells) await addCellMember(tx, cell, login)
  }
  const homes: DemoHome[] = []
  for (let number = 1; number <= HOMES; number++) homes.push(await makeHome(tx, sealing, number, isNew))
  await withLogin(FAMILY_LOGIN, 'family', KEYHOLDERS[0] ?? '', null, false)
  if (isNew) await addHomeMember(tx, FIRST_HOME, FAMILY_LOGIN, 'keyholder')
  const staff = STAFF.map(({ name, role, phone, cells, onCall }) => ({
    name,
    role,
    phone,
    gridCell: cells[0] ?? null,
    onCall,
  }))
  return { users, homes, staff }
}

async function makeHome(tx: Queryable, sealing: Sealing, number: number, isNew: boolean): Promise<DemoHome> {
  const homeId = `home-${String(number).padStart(3, '0')}`
  const gridCellId = number % 2 === 1 ? 'cell-east' : 'cell-west'
  const phone = (person: number) => `+86155000${String(number).padStart(3, '0')}${String(person).padStart(2, '0')}`
  const label = `${Math.ceil(number / 2)}号楼${((number - 1) % 2) + 1}单元${number}01`
  const contacts = [
    {
      contactId: 'keyholder',
      name: KEYHOLDERS[number - 1] ?? '',
      role: 'family-keyholder' as const,
      phone: phone(1),
      position: 0,
    },
    { contactId: 'relative', name: RELATIVES[number - 1] ?? '', role: 'family' as const, phone: phone(2), position: 1 },
  ]
  if (isNew) {
    const residentName = RESIDENTS[number - 1] ?? ''
    await createHome(tx, sealing, {
      homeId,
      gridCellId,
      label,
      language: 'zh',
      timeZone: TIME_ZONE,
      residentName,
      address: `安邻社区${label}`,
    })
    for (const contact of contacts) await createContact(tx, sealing, { ...contact, homeId, language: 'zh' })
  }
  const devices: DemoDevice[] = []
  for (const { deviceId, kind, room, gatewayId } of DEMO_DEVICES) {
    const credentials = isNew
      ? await createDevice(tx, sealing, { homeId, deviceId, kind, room, gatewayId })
      : await issueDeviceSecret(tx, sealing, homeId, deviceId)
    devices.push({ id: deviceId, kind, ...credentials })
  }
  return {
    id: homeId,
    gridCell: gridCellId,
    contacts: contacts.map(({ name, role, phone: number }) => ({ name, role, phone: number })),
    devices,
  }
}
