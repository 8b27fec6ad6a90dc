/**
 * API: who is signed in, what they may see, and what the pages read and change. Every view takes the scope, and what
 * lies outside it is not there. Reads of personal data and changes are on the audit log in their own transaction.
 */

import type { PlacedDevice } from '../../devices/observation.ts'
import type { IncidentEvent } from '../core/incident/effect.ts'
import type { Incident } from '../core/incident/incident.ts'
import type { NextStep } from './incidents.ts'

export type UserRole = 'admin' | 'coordinator' | 'social-worker' | 'family' | 'resident' | 'installer' | 'auditor'
export type Language = 'zh' | 'en'
export type Viewer = { userId: string; login: string; name: string; role: UserRole; language: Language }

/** Made by `scopeOf` in services/api/rights.ts and nowhere else. */
export type Scope = {
  userId: string
  /** All homes, those the user is a member of, or those of the cells the user works in. */
  reach: 'all' | 'homes' | 'cells'
  /** False: no resident, contact, number or told list, and of the incidents only the technical ones. */
  personal: boolean
}
/** `limit` 1…500; `cursor` is a `nextCursor` of before, null for the first page. */
export type PageAsked = { limit: number; cursor: string | null }
export type PageOf<Item> = { items: Item[]; nextCursor: string | null }

export type Sessions = {
  /** Null for a wrong login or password, found out in the same time for a login that does not exist. */
  open(login: string, password: string): Promise<{ token: string; expiresAtMs: number; viewer: Viewer } | null>
  find(token: string): Promise<Viewer | null>
  close(token: string): Promise<void>
  memberships(userId: string): Promise<{ homes: string[]; gridCells: string[] }>
}

export type HomeView = {
  homeId: string
  label: string
  gridCellId: string
  timeZone: string
  language: Language
  residentName: string | null
  testModeUntil: number | null
  devices: PlacedDevice[]
  /** The fold's, as it is stored; null before the home's first. */
  state: unknown
}
export type HomeDetail = HomeView & { address: string | null; notes: string | null; settings: Record<string, number> }
export type HomeChange = {
  label?: string | undefined
  timeZone?: string | undefined
  language?: Language | undefined
  residentName?: string | null | undefined
  address?: string | null | undefined
  notes?: string | null | undefined
  testModeUntil?: number | null | undefined
  /** All overrides of the rules' defaults; those of the escalation stay. */
  settings?: Record<string, number> | undefined
}
export type NewHomeAsked = HomeChange & {
  homeId: string
  label: string
  gridCellId: string
  /** Makes the cell where there is none of that id. */
  newGridCell: { community: string; name: string } | null
}
export type Homes = {
  list(scope: Scope, page: PageAsked): Promise<PageOf<HomeView>>
  read(scope: Scope, homeId: string): Promise<HomeDetail | null>
  create(scope: Scope, home: NewHomeAsked): Promise<'created' | 'already-exists' | 'unknown-grid-cell'>
  /** False: no such home within the scope. */
  change(scope: Scope, homeId: string, change: HomeChange): Promise<boolean>
  visibleIds(scope: Scope): Promise<Set<string>>
}

export type DeviceList = { devices: PlacedDevice[]; state: unknown }
export type NewDeviceAsked = Omit<PlacedDevice, 'retired'>
export type DevicePlaced =
  | { outcome: 'placed'; username: string; password: string }
  | { outcome: 'already-exists' | 'unknown-gateway' | 'address-taken' | 'too-many' | 'no-such-home' }
export type Devices = {
  list(scope: Scope, homeId: string): Promise<DeviceList | null>
  /** A device that was revoked may be placed again under its id, with new credentials. */
  place(scope: Scope, homeId: string, device: NewDeviceAsked): Promise<DevicePlaced>
  /** Takes it off the wall: its login is refused and its connection ends. */
  revoke(scope: Scope, homeId: string, deviceId: string): Promise<boolean>
}

export type ContactView = {
  contactId: string
  name: string
  role: 'family-keyholder' | 'family' | 'neighbour' | 'property-manager'
  phone: string
  language: Language
  position: number
}
export type ContactChange = { [Field in keyof Omit<ContactView, 'contactId'>]?: ContactView[Field] | undefined } & {
  removed?: true | undefined
}
export type Contacts = {
  list(scope: Scope, homeId: string): Promise<ContactView[] | null>
  create(
    scope: Scope,
    homeId: string,
    contact: Omit<ContactView, 'contactId'>,
  ): Promise<ContactView | 'too-many' | null>
  change(scope: Scope, homeId: string, contactId: string, change: ContactChange): Promise<ContactView | null>
  /** Puts a test message into the outbox, `write` being given whom it is for. Once a minute for each contact. */
  test(
    scope: Scope,
    homeId: string,
    contactId: string,
    write: (to: { homeLabel: string; language: Language }) => string,
  ): Promise<{ outboxId: string } | 'too-soon' | null>
}

export type UserView = Viewer & {
  phone: string | null
  onCall: boolean
  disabled: boolean
  homes: { homeId: string; contactId: string | null }[]
  gridCells: string[]
}
export type NewUserAsked = Omit<UserView, 'userId' | 'disabled'> & { password: string }
export type UserChange = { [Field in keyof Omit<NewUserAsked, 'login'>]?: NewUserAsked[Field] | undefined } & {
  disabled?: boolean | undefined
}
export type UserRefused = 'login-taken' | 'unknown-membership' | 'membership-twice' | 'last-admin' | 'no-such-user'
export type Users = {
  list(scope: Scope, page: PageAsked): Promise<PageOf<UserView>>
  create(scope: Scope, user: NewUserAsked): Promise<UserView | UserRefused>
  change(scope: Scope, userId: string, change: UserChange): Promise<UserView | UserRefused>
}

/** `userOf`: who signs in as which contact of the home, by the contact's ref. */
export type IncidentView = {
  incident: Incident
  homeLabel: string | null
  nextStep: NextStep | null
  userOf: Record<string, string>
}
export type IncidentFilter = {
  statuses: string[] | null
  kinds: string[] | null
  homeId: string | null
  fromMs: number | null
  toMs: number | null
}
export type IncidentViews = {
  list(scope: Scope, filter: IncidentFilter, page: PageAsked): Promise<PageOf<IncidentView>>
  /** Whether it is within the scope, without a look at it. */
  find(scope: Scope, incidentId: string): Promise<{ homeId: string } | null>
  read(scope: Scope, incidentId: string): Promise<(IncidentView & { timeline: IncidentEvent[] }) | null>
  /** For all who are entitled and listening: `readers` are their user ids, for the audit log. */
  readForStream(homeId: string, incidentId: string, readers: string[]): Promise<IncidentView | null>
  /** Whether this user could be asked to take over an incident of the home. */
  mayAnswer(userId: string, homeId: string): Promise<boolean>
}

export type MessageLink = { homeId: string; incidentId: string; recipient: string }
export type MessageLinks = {
  find(token: string): Promise<MessageLink | null>
  read(link: MessageLink): Promise<IncidentView | null>
}

/** One message as it was stored; `rejected` says what is wrong with it or with a part of it. */
export type StoredMessage = {
  receivedAt: number
  account: string
  topic: string
  payload: Uint8Array
  qos: 0 | 1 | 2
  dup: boolean
  retain: boolean
  rejected: string | null
}
export type StoredMessages = {
  /** In commit order. Null: no such home within the scope. */
  list(
    scope: Scope,
    homeId: string,
    time: { fromMs: number; toMs: number },
    page: PageAsked,
  ): Promise<PageOf<StoredMessage> | null>
  /** Writes down that somebody is about to look at a device's history; false where there is none within the scope. */
  beginHistory(scope: Scope, homeId: string, asked: { deviceId: string; field: string }): Promise<boolean>
}

/** The one-time link with which a new installation makes its first administrator. */
export type SetupLinks = {
  /** A token for one hour; null when there is a user already. */
  issue(): Promise<string | null>
  isOpen(token: string): Promise<boolean>
  /** False: used, too old, or somebody was quicker. */
  use(token: string, admin: { login: string; password: string; name: string; language: Language }): Promise<boolean>
}

export type ApiStore = {
  sessions: Sessions
  homes: Homes
  devices: Devices
  contacts: Contacts
  users: Users
  incidents: IncidentViews
  links: MessageLinks
  messages: StoredMessages
  setup: SetupLinks
}
