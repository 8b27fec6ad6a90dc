/**
 * The public API as the pages use it, in the shape openapi-typescript gives, so that the generated file can take this
 * one's place without a change elsewhere.
 */
export type Language = 'zh' | 'en'
export type Severity = 'critical' | 'warning' | 'technical'
export type Outcome = 'real' | 'false-alarm' | 'test' | 'drill' | 'duplicate'
type DeviceState = 'online' | 'lost' | 'unknown'

export type Me = {
  id: string
  login: string
  name: string
  role: string
  language: string
  homes: string[]
  gridCells: string[]
}

export type Home = {
  id: string
  label: string
  gridCellId: string
  timeZone: string
  language: string
  residentName: string | null
  state: {
    lastWordAt: string | null
    gatewayLost: boolean
    lastSignOfLifeAt: string | null
    lastSignOfLifeRoom: string | null
    lastSignOfLifeInBed: boolean
    devicesTotal: number
    devicesLost: number
  }
  testModeUntil: string | null
}

export type Device = {
  id: string
  kind: string
  room: string | null
  gatewayId: string | null
  state: DeviceState
  lastSeenAt: string | null
  batteryPercent: number | null
}

export type Contact = { id: string; name: string; role: string; phone: string; language: string }

export type TakenBy = { id: string; contactId: string | null; name: string; role: string; at: string }
export type Told = { name: string; role: string; status: string; at: string | null }
export type TimelineEntry = { seq: number; at: string; type: string; body: Record<string, unknown> }

export type Incident = {
  id: string
  homeId: string | null
  homeLabel: string | null
  kind: string
  subject: string | null
  severity: Severity
  condition: 'active' | 'returned'
  status: 'open' | 'acknowledged' | 'resolved'
  openedAt: string
  takenBy: TakenBy | null
  takenByFamily: boolean
  arrivedAt: string | null
  nextStepAt: string | null
  nextStep: { who: string | null; at: string } | null
  outcome: Outcome | null
  resolvedAt: string | null
  pressCount: number
  deviceId: string | null
  room: string | null
  why: { code: string; values: Record<string, unknown> } | null
  told: Told[]
  timeline?: TimelineEntry[]
}

export type Problem = { code: string; title?: string; detail?: string; takenBy?: TakenBy }

type Json<T> = { content: { 'application/json': T } }
type Failures = { default: { content: { 'application/problem+json': Problem } } }
type Operation<Answer, Query = never, Path = never, Body = never> = {
  parameters: ([Query] extends [never] ? { query?: never } : { query?: Query }) &
    ([Path] extends [never] ? { path?: never } : { path: Path })
  responses: { 200: Json<Answer> } & Failures
} & ([Body] extends [never] ? { requestBody?: never } : { requestBody: Json<Body> })
type List<T> = { items: T[]; nextCursor: string | null }
type Page = { cursor?: string }
type Id = { id: string }

export type paths = {
  '/api/v1/session': {
    post: Operation<undefined, never, never, { login: string; password: string }>
    delete: Operation<undefined>
  }
  '/api/v1/me': { get: Operation<Me> }
  '/api/v1/homes': { get: Operation<List<Home>, Page> }
  '/api/v1/homes/{id}/devices': { get: Operation<List<Device>, Page, Id> }
  '/api/v1/homes/{id}/contacts': { get: Operation<List<Contact>, Page, Id> }
  '/api/v1/incidents': { get: Operation<List<Incident>, Page & { status?: Incident['status'][] }> }
  '/api/v1/incidents/{id}': { get: Operation<Incident, never, Id> }
  '/api/v1/incidents/{id}/acknowledge': { post: Operation<Incident, never, Id, Record<string, never>> }
  '/api/v1/incidents/{id}/join': { post: Operation<Incident, never, Id, Record<string, never>> }
  '/api/v1/incidents/{id}/arrived': { post: Operation<Incident, never, Id, Record<string, never>> }
  '/api/v1/incidents/{id}/resolve': {
    post: Operation<Incident, never, Id, { outcome: Outcome; note: string; personSeenOrHeard: boolean }>
  }
  '/api/v1/incidents/{id}/notes': { post: Operation<Incident, never, Id, { text: string }> }
}
