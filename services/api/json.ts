import type { DeviceKind, PlacedDevice } from '../../devices/observation.ts'
import { isFamily } from '../core/escalation/people.ts'
import type { IncidentEvent } from '../core/incident/effect.ts'
import type { Named, Source, ToldPerson } from '../core/incident/incident.ts'
import { glanceAtDevices, glanceAtHome } from '../core/rules/home-view.ts'
import type { DeviceList, HomeDetail, HomeView, IncidentView, Scope } from '../ports.ts'
import type { DeviceJson, HomeJson, IncidentJson } from './schemas.ts'

/** What the platform knows, in the words of the public API. */

const PLATFORM_HOME = '-'
/** They speak when the resident does something: when one was last heard says when she moved. */
const TELL_OF_THE_RESIDENT: readonly DeviceKind[] = [
  'sos-button',
  'motion-sensor',
  'door-contact',
  'sleep-monitor',
  'fall-sensor',
  'voice-assistant',
]
const tellsOfResident = ({ kind }: PlacedDevice) => TELL_OF_THE_RESIDENT.includes(kind)

export function iso(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

function isoOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : iso(timeMs)
}

/** `personal` false leaves out when and where the resident moved about. */
export function homeJson(home: HomeView, { personal }: Pick<Scope, 'personal'>): HomeJson {
  const glance = glanceAtHome(home.state, home.devices)
  const others = home.devices.filter((device) => !tellsOfResident(device))
  const lastWordAt = personal ? glance.lastWordAt : glanceAtHome(home.state, others).lastWordAt
  return {
    id: home.homeId,
    label: home.label,
    gridCellId: home.gridCellId,
    timeZone: home.timeZone,
    language: home.language,
    residentName: home.residentName,
    state: {
      ...glance,
      lastWordAt: isoOrNull(lastWordAt),
      lastSignOfLifeAt: personal ? isoOrNull(glance.lastSignOfLifeAt) : null,
      lastSignOfLifeRoom: personal ? glance.lastSignOfLifeRoom : null,
      lastSignOfLifeInBed: personal && glance.lastSignOfLifeInBed,
    },
    testModeUntil: isoOrNull(home.testModeUntil),
  }
}

export function homeDetailJson(home: HomeDetail, scope: Pick<Scope, 'personal'>) {
  return { ...homeJson(home, scope), address: home.address, notes: home.notes, settings: home.settings }
}

/** `personal` false leaves of what moves with the resident the state alone. */
export function deviceJsons({ devices, state }: DeviceList, { personal }: Pick<Scope, 'personal'>): DeviceJson[] {
  const glances = new Map(glanceAtDevices(state, devices).map((glance) => [glance.deviceId, glance]))
  return devices.map((device) => {
    const { deviceId, kind, room, gatewayId, convention, address } = device
    const isShown = personal || !tellsOfResident(device)
    const glance = glances.get(deviceId)
    return {
      id: deviceId,
      kind,
      room,
      gatewayId,
      convention: convention ?? 'native',
      address: address ?? null,
      state: glance?.state ?? 'unknown',
      lastSeenAt: isShown ? isoOrNull(glance?.lastSeenAt ?? null) : null,
      batteryPercent: glance?.batteryPercent ?? null,
    }
  })
}

/** `personal` false leaves out who was told, who is next, and the names of family. The device is the latest that raised it. */
export function incidentJson(view: IncidentView, { personal }: Pick<Scope, 'personal'>): IncidentJson {
  const { incident, nextStep } = view
  const { takenBy } = incident
  const source = incident.sources.reduce<Source | null>(
    (newest, next) => (newest === null || next.raisedAt >= newest.raisedAt ? next : newest),
    null,
  )
  return {
    id: incident.id,
    homeId: incident.homeId === PLATFORM_HOME ? null : incident.homeId,
    homeLabel: view.homeLabel,
    kind: incident.kind,
    subject: incident.subject === '' ? null : incident.subject,
    severity: incident.severity,
    condition: incident.condition,
    status: incident.status,
    openedAt: iso(incident.openedAt),
    takenBy: takenBy && takenByJson(takenBy, view, personal),
    takenByFamily: incident.silentAtDesk,
    arrivedAt: isoOrNull(incident.arrivedAt),
    nextStepAt: isoOrNull(nextStep?.at ?? null),
    nextStep: nextStep && { who: personal ? nextStep.who : null, at: iso(nextStep.at) },
    outcome: incident.outcome,
    resolvedAt: isoOrNull(incident.resolvedAt),
    pressCount: incident.raisedCount,
    deviceId: source?.deviceId ?? null,
    room: source?.room ?? null,
    why: incident.why,
    told: personal ? incident.told.map(toldJson) : [],
  }
}

/** The id is the one `GET /me` gives, so that a page knows whether it is its own user; for people who never sign in, their ref. */
export function takenByJson(by: Named & { at: number }, { userOf }: Pick<IncidentView, 'userOf'>, personal = true) {
  const id = by.ref.startsWith('user:') ? by.ref.slice('user:'.length) : (userOf[by.ref] ?? by.ref)
  const contactId = by.ref.startsWith('contact:') ? by.ref.slice('contact:'.length) : null
  return { id, contactId, name: personal || !isFamily(by) ? by.name : '', role: by.role, at: iso(by.at) }
}

function toldJson({ person, messages }: ToldPerson) {
  const last = messages.at(-1)
  return {
    name: person.name,
    role: person.role,
    status: last?.status ?? 'none',
    at: isoOrNull(last?.at ?? null),
  }
}

export function timelineJson(events: IncidentEvent[], { personal }: Pick<Scope, 'personal'>) {
  return events.map(({ seq, at, type, ...body }) => ({ seq, at: iso(at), type, body: personal ? { ...body } : {} }))
}
