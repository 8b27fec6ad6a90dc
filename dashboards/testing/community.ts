import type { Contact, Device, Home, Incident, Me } from '../ui/api-types.ts'

const MINUTE_MS = 60_000

function ago(minutes: number): string {
  return new Date(Date.now() - minutes * MINUTE_MS).toISOString()
}

/** An invented home in which everything is well: heard a moment ago, a sign of life within minutes. */
export function aHome(changes: Partial<Home> = {}): Home {
  return {
    id: 'home-001',
    label: '3 号楼 502',
    gridCellId: 'cell-1',
    timeZone: 'Asia/Shanghai',
    language: 'zh',
    residentName: '王桂芳',
    state: {
      lastWordAt: ago(0),
      gatewayLost: false,
      lastSignOfLifeAt: ago(3),
      lastSignOfLifeRoom: 'kitchen',
      lastSignOfLifeInBed: false,
      devicesTotal: 2,
      devicesLost: 0,
    },
    testModeUntil: null,
    ...changes,
  }
}

export function aDevice(changes: Partial<Device> = {}): Device {
  return {
    id: 'sos-bath',
    kind: 'sos-button',
    room: 'bathroom',
    gatewayId: null,
    state: 'online',
    lastSeenAt: ago(1),
    batteryPercent: 88,
    ...changes,
  }
}

export function aContact(changes: Partial<Contact> = {}): Contact {
  const contact = { id: 'contact-1', name: '王芳', role: 'family-keyholder', phone: '+8615500001001', language: 'zh' }
  return { ...contact, ...changes }
}

export function anIncident(changes: Partial<Incident> = {}): Incident {
  return {
    id: 'incident-1',
    homeId: 'home-001',
    homeLabel: '3 号楼 502',
    kind: 'sos',
    subject: '',
    severity: 'critical',
    condition: 'active',
    status: 'open',
    openedAt: ago(2),
    takenBy: null,
    takenByFamily: false,
    arrivedAt: null,
    nextStepAt: ago(-1.5),
    nextStep: { who: '李强', at: ago(-1.5) },
    outcome: null,
    resolvedAt: null,
    pressCount: 1,
    deviceId: 'sos-bath',
    room: 'bathroom',
    why: { code: 'sos-pressed', values: {} },
    told: [{ name: '王芳', role: 'family-keyholder', status: 'delivered', at: ago(2) }],
    timeline: [{ seq: 1, at: ago(2), type: 'Opened', body: {} }],
    ...changes,
  }
}

export type Person = Me & { password: string }

function person(login: string, name: string, role: string): Person {
  const password = `${login}-pass`
  return {
    id: `user-${login}`,
    login,
    name,
    role,
    language: 'zh',
    homes: ['home-001'],
    gridCells: ['cell-1'],
    password,
  }
}

export const people: Person[] = [
  person('min', '王敏', 'social-worker'),
  person('na', '李娜', 'social-worker'),
  person('fang', '王芳', 'family'),
  person('wei', '赵伟', 'installer'),
  person('shen', '沈静', 'auditor'),
  person('guifang', '王桂芳', 'resident'),
]
