/**
 * Every side effect the platform can have, on one page. Types only. Rooms under services/ are given these by
 * services/main.ts; services/store/ and the machine's own clock stand behind them.
 */

import type { DeviceKind, MeasurementField, PlacedDevice, RawMessage } from '../devices/observation.ts'
import type { Facts, Responder } from './core/escalation/people.ts'
import type { FoldVerdict, IncidentEvent } from './core/incident/effect.ts'
import type { Incident } from './core/incident/incident.ts'
import type { IncidentInput } from './core/incident/input.ts'
import type { ToldRow } from './core/message/which-incident.ts'
import type { Signal } from './core/signal.ts'

/** Wall clock in epoch ms and a monotonic one for durations inside this process. */
export type Clock = { now(): number; monotonicMs(): number }

/** The part of pino that rooms use. Never a name, a number or a text of a message: only ids, counts and codes. */
export type Log = {
  info(fields: Record<string, unknown>, message: string): void
  warn(fields: Record<string, unknown>, message: string): void
  error(fields: Record<string, unknown>, message: string): void
  debug(fields: Record<string, unknown>, message: string): void
}

/** Figures for `/metrics`; the names and their meaning stand in services/metrics.ts. Labels have few, closed values. */
export type Metrics = {
  count(name: string, by?: number, labels?: Record<string, string>): void
  gauge(name: string, value: number, labels?: Record<string, string>): void
  /** A duration or size into its histogram; durations in seconds. */
  observe(name: string, value: number, labels?: Record<string, string>): void
}

/**
 * A hint says "look now", never "this happened": the database is the truth, and losing every hint costs at most
 * the next sweep. `key` is a shard for `log`, a home for `incident`, and empty for `outbox`.
 */
export type HintTopic = 'log' | 'incident' | 'outbox'
export type Hints = {
  /** Not awaited, never throws; hints for a key that already waits fall together. */
  hint(topic: HintTopic, key: string): void
}
export type HintListener = (key: string) => Promise<void>

/** Something a page or a device should look at again; `ref` is an incident's or a device's id. */
export type Change = {
  xid: bigint
  id: number
  at: number
  kind: 'incident' | 'home' | 'device'
  homeId: string
  ref: string
}
export type ChangeFeed = {
  /** Called with changes in commit order; returns how to stop. The listener must not throw. */
  subscribe(listener: (changes: Change[]) => void): () => void
  close(): Promise<void>
}

// SMS provider. Numbers and texts pass through here and appear in no error and no log.

/**
 * `rejected` is certain: the message does not exist at the provider. `unknown` is not: the request may have been
 * taken before its answer was lost, so it is looked up with `find` (or hedged) before it is sent again.
 */
export type SmsSendResult =
  | { outcome: 'accepted'; providerId: string }
  | { outcome: 'rejected'; code: string; temporary: boolean }
  | { outcome: 'unknown'; cause: string }

/** How far a message has come at the provider; `delivered` and `failed` are final. */
export type SmsDelivery = {
  providerId: string
  state: 'accepted' | 'delivered' | 'failed'
  /** The provider's code of a failure, null otherwise. */
  errorCode: string | null
}

export type IncomingSms = {
  providerId: string
  from: string
  to: string
  body: string
  /** The provider's own time, to the second; null when it pushed the message without one. */
  sentAtMs: number | null
}

export type SmsProvider = {
  /** Never throws: whatever goes wrong is one of the outcomes. `timeoutMs` up to 10,000, which is also the default. */
  send(message: { to: string; body: string; statusCallbackUrl?: string; timeoutMs?: number }): Promise<SmsSendResult>
  /** The provider's messages to this number with exactly this body, created at `sinceMs` or later. */
  find(sought: { to: string; body: string; sinceMs: number }): Promise<SmsDelivery[]>
  /** Null when the provider does not know the id. */
  fetchStatus(providerId: string): Promise<SmsDelivery | null>
  /** Replies since then, newest first, at most `limit` (1…1,000) a page; `nextCursor` is null on the last page. */
  listIncoming(asked: {
    sinceMs: number
    limit: number
    cursor?: string
  }): Promise<{ messages: IncomingSms[]; nextCursor: string | null }>
  close(): void
}

/** What the provider pushes to us: checked and read, still to be judged. */
export type SmsWebhooks = {
  /** `pathAndQuery` as requested, `params` the form's fields, `signature` the header X-Twilio-Signature. */
  isSigned(request: { pathAndQuery: string; params: Record<string, unknown>; signature: string | undefined }): boolean
  /** Null when it is no receipt we can read. */
  readReceipt(params: Record<string, unknown>): SmsDelivery | null
  readIncoming(params: Record<string, unknown>): IncomingSms | null
}

// Incidents: what the escalation folds, and where the folds are kept.

/** A row of `incident_input` that nobody has folded yet; `incidentId` is given where it is meant for one incident. */
export type WaitingInput = { incidentId: string | null; input: IncidentInput }

/** One home as the escalation needs it, all of one snapshot. */
export type EscalationView = {
  /** The database's clock. */
  nowMs: number
  /** How many passes there have been over this home: the commit's is the next one, or somebody else was faster. */
  lastPass: number
  /** The unresolved ones, and those that an input is meant for. */
  incidents: Incident[]
  /** In the home's order; `moreInputs` when more wait than one pass takes. */
  inputs: WaitingInput[]
  moreInputs: boolean
  facts: Facts
  /** What the codes were based on; the commit finds out whether somebody else gave one meanwhile. */
  codes: GivenCode[]
}
export type GivenCode = { ref: string; code: number; givenAtMs: number; xid: string; incidentId: string }

export type AppliedInput = {
  inputId: string
  incidentId: string | null
  appliedVersion: number | null
  result: FoldVerdict | null
  /** Why the fold could not take it; null when it could. */
  rejected: string | null
}

export type NewMessage = {
  outboxId: string
  incidentId: string
  recipient: string
  purpose: string
  priority: number
  code: number | null
  body: string
  /** Receipt time of the signal that opened the incident, on its first messages only. */
  raisedAtMs: number | null
  /** The secret in the link, where the text has one. */
  linkToken: string | null
}

/** Who is told next, by name where somebody is, and when; epoch ms. For the pages. */
export type NextStep = { who: string | null; at: number }

/** Everything one pass over a home decided. Written whole or not at all. */
export type EscalationCommit = {
  homeId: string
  nowMs: number
  /** Under which its links were written. */
  publicUrl: string
  incidents: { incident: Incident; expectedVersion: number | null; nextStep: NextStep | null }[]
  inputs: AppliedInput[]
  timers: { incidentId: string; appliedVersion: number }[]
  events: { incidentId: string; event: IncidentEvent }[]
  messages: NewMessage[]
  withdrawnOutboxIds: string[]
  /** Incidents that pages and devices have to look at again. */
  changedIncidentIds: string[]
  view: EscalationView
}

export type Incidents = {
  readHome(homeId: string): Promise<EscalationView>
  /** False: somebody else was faster, nothing was written. */
  commit(commit: EscalationCommit): Promise<boolean>
  /** Writes down an input; the escalation folds it afterwards. Returns its id: the same for the same `origin`. */
  addInput(homeId: string, incidentId: string | null, input: NewInput, origin: string | null): Promise<string>
  /** What was said to an input that another worker folded; null while nobody has. */
  readResult(homeId: string, inputId: string): Promise<FoldVerdict | null>
  /** Homes with a timer due at `steadyNowMs` or an input that waits longer than `waitedMs`, most urgent first. */
  dueHomes(asked: { steadyNowMs: number; waitedMs: number; limit: number }): Promise<string[]>
  /** The database's clock, and the latest time that any unresolved incident was folded with. */
  readClock(): Promise<{ nowMs: number; lastFoldedMs: number }>
  /** Who somebody is for this home: a contact, or a user (as the contact that the user is tied to, if any). */
  findResponder(homeId: string, ref: string): Promise<Responder | null>
}
/** An input before it has an id. */
export type NewInput = IncidentInput extends infer Input
  ? Input extends unknown
    ? Omit<Input, 'inputId'>
    : never
  : never

// Outbox: what goes out to people, what becomes of it, and what they send us.

/** A row that is ours until `claimMs` after it was asked for. */
export type ClaimedMessage = {
  homeId: string
  outboxId: string
  incidentId: string | null
  /** 0 is critical and goes first. */
  priority: number
  /** This one included. */
  attempts: number
  version: number
  createdAtMs: number
  /** When the message that opened the incident was committed; only where the press is to be measured. */
  raisedAtMs: number | null
  providerId: string | null
  errorCode: string | null
  /** Opens the sealed number and text: called right before the request, and neither is kept. */
  reveal(): { to: string; body: string }
}

/** What became of an attempt. The incident is told of a failure in the same transaction. */
export type Settlement =
  /** `receiptDueInMs`: when a missing receipt is asked after; null where the provider gives none. */
  | { status: 'accepted'; providerId: string; receiptDueInMs: number | null }
  | { status: 'delivered'; providerId: string }
  /** Sent again; `duplicateCause` where the earlier attempt may have arrived after all. */
  | { status: 'pending'; dueInMs: number; errorCode: string; duplicateCause: string | null }
  /** Looked up again before anything else. */
  | { status: 'unknown'; dueInMs: number; errorCode: string }
  | { status: 'failed'; errorCode: string; providerId: string | null }

export type Outbox = {
  /** pending → sending, committed before it returns. Highest priority first. `nowMs` is the database's clock. */
  claimDue(asked: { limit: number; criticalOnly: boolean; claimMs: number }): Promise<Claim>
  /** Messages whose outcome nobody knows: claims that ran out (a sender died or froze) and look-ups that are due. */
  claimDoubtful(asked: { limit: number; claimMs: number }): Promise<Claim>
  /** Accepted messages whose receipt is missing; each is given out again after `nextLookMs`, until `forgetMs` of age. */
  claimUnanswered(asked: { limit: number; nextLookMs: number; forgetMs: number }): Promise<Claim>
  /** False: the row was no longer ours, or a receipt was faster. */
  settle(message: ClaimedMessage, settlement: Settlement): Promise<boolean>
  /** Tells the incident, once per message, that no receipt came in time; the message itself stays as it is. */
  reportMissingReceipt(message: ClaimedMessage): Promise<boolean>
  /** By our id, late, twice and out of order: only what leads further counts. Null: nothing changed. */
  applyReceipt(receipt: SmsDelivery & { outboxId: string; receiptDueInMs: number }): Promise<{ homeId: string } | null>
  /** Those of these provider ids that belong to no message yet. */
  unclaimedProviderIds(providerIds: string[]): Promise<string[]>
  add(messages: DirectMessage[]): Promise<void>
  /** Age of the oldest message that should have gone out by now; 0 when none waits. */
  oldestDueMs(): Promise<number>
}
export type Claim = { nowMs: number; messages: ClaimedMessage[] }

/** A message that no incident's fold wrote: an answer to a reply, a word to the coordinator, a test of a phone. */
export type DirectMessage = {
  homeId: string
  /** The same id again writes nothing. */
  outboxId: string
  recipient: string
  purpose: string
  priority: number
  body: string
  /** Null: the recipient's own. */
  phone: string | null
}

/** A message with a code that went to the phone a reply came from. */
export type ToldPhone = ToldRow & { recipient: string; kind: Incident['kind']; homeLabel: string }
export type PhoneOwner = { homeId: string | null; ref: string; name: string; language: Responder['language'] }

export type IncomingMessages = {
  /** Stores it, unless we have it. `judged`: nothing is left to do with it. The times are those first stored. */
  record(message: IncomingSms): Promise<{ judged: boolean; receivedAtMs: number; sentAtMs: number | null }>
  /** Newest first, of the last 72 h and whatever is not yet over. */
  toldRows(phone: string): Promise<ToldPhone[]>
  owners(phone: string): Promise<PhoneOwner[]>
  /** Its verdict and the answers to it, in one transaction; a second time changes nothing. */
  settle(providerId: string, verdict: string, answers: DirectMessage[]): Promise<void>
  /** Stored before a crash and never judged. */
  waiting(asked: { waitedMs: number; limit: number }): Promise<IncomingSms[]>
  /** The provider's time of the newest message we have; null when there is none. */
  lastSentAtMs(): Promise<number | null>
}

// Fold: the log as the rules worker reads it, and the one statement that commits what it made of it.

/** A place in the log. Commit order is (xid, id), never id alone (ARCHITECTURE.md, "The cursor"). */
export type LogPosition = { xid: bigint; id: number }

/** A row of the log; `receivedAt` in whole ms, rounded down. */
export type LogRow = RawMessage &
  LogPosition & {
    shard: number
    /** Why ingest already knows that nobody can read it; null for a row to be folded. */
    rejected: string | null
    /** The version of what is known about the home at this moment; 0 when there is no such home. */
    factsVersion: number
  }

/** Where a reader stands in one shard. `passedAtMs` is the receipt time of the last row passed. */
export type ShardCursor = LogPosition & { shard: number; version: number; passedAtMs: number }

/**
 * Rows come shard by shard, each shard's in commit order. `hidden`: shards with rows that an open transaction keeps from
 * being read yet. `nowMs` is the database's clock.
 */
export type UnreadRows = { nowMs: number; cursors: ShardCursor[]; rows: LogRow[]; hidden: number[] }

/** What is known about a home besides what its devices say. Every change of it moves `version`. */
export type StoredFacts = {
  homeId: string
  version: number
  timeZone: string
  language: 'zh' | 'en'
  /** Overrides of the rules' defaults, as they are stored. */
  settings: unknown
  testModeUntil: number | null
  devices: PlacedDevice[]
}

/** `version` 0: the home has no state yet. `wakeAt` is the column: never later than the true next timer. */
export type StoredHome = LogPosition & {
  homeId: string
  shard: number
  version: number
  lastNow: number
  wakeAt: number | null
  factsVersion: number
  clockEpoch: number
  state: unknown
  facts: StoredFacts
}

/** What a fold was given besides the log's rows; the replay gives it again, in the order of `version`. */
export type HomeInput =
  | { type: 'facts'; facts: StoredFacts }
  | { type: 'timers' }
  | { type: 'clock-jump'; epoch: number; gapMs: number }
export type RecordedInput = LogPosition & { homeId: string; version: number; now: number; input: HomeInput }

export type SavedHome = Omit<StoredHome, 'state' | 'facts'> & { readVersion: number; stateJson: string }

/** Everything one pass of the rules leaves behind: committed whole or not at all. */
export type FoldCommit = {
  cursors: ShardCursor[]
  homes: SavedHome[]
  inputs: RecordedInput[]
  signals: { homeId: string; signal: Signal }[]
  rejections: (LogPosition & { homeId: string; receivedAt: number; code: string })[]
  changes: { kind: 'home' | 'device'; homeId: string; ref: string }[]
}

export type ClockJump = { epoch: number; gapMs: number }
export type LogLag = { nowMs: number; epoch: number; lagging: { shard: number; oldestReceivedAt: number }[] }

export type FoldStore = {
  /** Makes the cursors that are missing. */
  prepareCursors(shards: readonly number[]): Promise<void>
  readUnread(asked: { shards: readonly number[]; limitPerShard: number }): Promise<UnreadRows>
  /** Homes with urgent rows that neither the shard's cursor nor their own position has passed, oldest first. */
  readUrgentHomes(asked: { shards: readonly number[]; limitPerShard: number }): Promise<HomeKey[]>
  /** All unread rows of these homes, urgent or not, at most `limitPerShard` a shard. */
  readHomeRows(asked: { homes: readonly HomeKey[]; limitPerShard: number }): Promise<HomeRows>
  /** One for each id, in no order; homes that never had a state come with version 0. */
  readHomes(homeIds: readonly string[]): Promise<StoredHome[]>
  /** Homes with a timer due, and homes whose fold has not been told of new facts. */
  readDueHomes(limit: number): Promise<DueHome[]>
  /** False: a compare-and-set missed, nothing was written. */
  commit(commit: FoldCommit): Promise<boolean>
  /** Shards with unread rows, those that nobody may read yet included. `epoch` is the last clock jump's, 0 for none. */
  readLag(): Promise<LogLag>
  oldestOpenXidAgeMs(): Promise<number>
  /** Records a jump, once, however many workers saw it, together with the operators' technical incident. */
  recordClockJump(jump: { gapMs: number; signal: Signal }): Promise<void>
  /** Jumps after `epoch`, oldest first. */
  readClockJumps(epoch: number): Promise<ClockJump[]>
  readHomesBeforeEpoch(epoch: number, limit: number): Promise<DueHome[]>
}
export type HomeKey = { homeId: string; shard: number }
/** `hiddenHomes` have rows that an open transaction keeps from being read yet. */
export type HomeRows = { nowMs: number; rows: LogRow[]; hiddenHomes: ReadonlySet<string> }
export type DueHome = HomeKey & { factsVersion: number }

/** Where a replay begins: a home's state at the start of a day, and the facts it had been folded with. */
export type ReplayStart = LogPosition & {
  homeId: string
  version: number
  lastNow: number
  state: unknown
  facts: StoredFacts | null
}
/** What the fold was given, in its order. A row with a `code` of its own was passed or rejected. */
export type ReplayEvent =
  | { type: 'row'; row: LogRow & { code: string | null } }
  | { type: 'input'; input: RecordedInput }

// Ingest: who may connect, where messages are kept, and what devices are told.

/** The login of a device or a gateway at the broker. */
export type DeviceAccount = {
  account: string
  homeId: string
  deviceId: string
  /** Whom it may speak for: the device itself, and for a gateway all that stand behind it. */
  devices: { deviceId: string; kind: string }[]
  secretHash: Uint8Array
}
export type AccountDirectory = {
  /** Null for an account that never was, is revoked, or whose device is retired. */
  find(username: string): Promise<DeviceAccount | null>
  /** The keyed hash that `secretHash` is compared with. */
  hashSecret(secret: string): Uint8Array
  /** Numbers a session of the account, higher than every one before it, whichever ingest had that. */
  startSession(account: string): Promise<number>
  latestSession(account: string): Promise<number>
}

/** A message as ingest hands it to the log. `lane` 0 is urgent; `flags`: QoS in bits 0 and 1, DUP 4, RETAIN 8, last will 16. */
export type LogMessage = {
  shard: number
  lane: 0 | 1
  homeId: string
  account: string
  flags: number
  packetId: number | null
  /** Without U+0000, which no text column holds. */
  topic: string
  payload: Uint8Array
  rejected: string | null
}
export type LogAppend = {
  /**
   * One autocommit statement. Resolves when the whole batch is on disk, in its order; rejects when it is not or when
   * nobody knows, so a repeat may store it twice.
   */
  append(batch: readonly LogMessage[]): Promise<void>
}

/** What a lamp, speaker or button is told of an incident of its home (`…/incident`). */
export type DeviceNotice = {
  incidentId: string
  kind: string
  status: 'open' | 'acknowledged' | 'resolved'
  /** The name of who has it; null while nobody has. */
  takenBy: string | null
  etaMin: number | null
  /** When it came to stand so; epoch ms. */
  at: number
}
export type HomeIncidents = {
  /** The home's unresolved incidents, and those resolved in the last day: a lamp that missed the end still goes out. */
  presentFor(homeId: string): Promise<DeviceNotice[]>
}

// API: who is signed in, what they may see, and what the pages read and change. Every view takes the scope, and what
// lies outside it is not there. Reads of personal data and changes are on the audit log in their own transaction.

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
export type NewDeviceAsked = { deviceId: string; kind: DeviceKind; room: string | null; gatewayId: string | null }
export type DevicePlaced =
  | { outcome: 'placed'; username: string; password: string }
  | { outcome: 'already-exists' | 'unknown-gateway' | 'too-many' | 'no-such-home' }
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
export type UserRefused = 'login-taken' | 'unknown-membership' | 'last-admin' | 'no-such-user'
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

/** One message as it was stored; `rejected` says why nobody could read it. */
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

// History: what was measured, as pages and reports ask for it.

export type HistoryAggregate = 'mean' | 'min' | 'max' | 'last' | 'count'
export type HistoryAsked = {
  homeId: string
  deviceId: string
  field: MeasurementField
  fromMs: number
  toMs: number
  /** Windows of this length, beginning at midnight of `timeZone`; null gives every reading as it is. */
  windowMs: number | null
  aggregate: HistoryAggregate
  timeZone: string
  limit: number
}
export type HistoryPoint = { atMs: number; value: number }
export type History = {
  /** Oldest first, at most `limit`. `behindMs`: how much of the newest time is not there yet. */
  read(asked: HistoryAsked): Promise<{ points: HistoryPoint[]; behindMs: number }>
}

// History store: where measurements are kept, PostgreSQL or InfluxDB, and the projector that fills it from the log.

/** What one device measured at one moment. Written once and never corrected. */
export type MeasuredPoint = {
  homeId: string
  deviceId: string
  deviceKind: DeviceKind
  /** When it was measured, whole ms. */
  atMs: number
  /** 0…999,999. Tells apart what one device said within the same ms; with home, device and time the point's identity. */
  sequence: number
  values: Partial<Record<MeasurementField, number>>
}

/**
 * Why points could not be appended: the `code` of the error. `refused`: the store will never take one of them as it is;
 * others of the batch may be stored. `denied`: wrong credentials, or no such database. `capacity`: a limit of the
 * store, which no point is to blame for. Any other error leaves unknown what was stored: the same points go again.
 */
export type HistoryErrorCode = 'unavailable' | 'denied' | 'capacity' | 'refused'

export type HistoryStore = {
  /** Resolves only when every point is stored for good. The same points again change nothing. */
  append(points: readonly MeasuredPoint[]): Promise<void>
  /**
   * Oldest first, at most `limit`. A window is given at its start, and left out when it holds no measurement. Windows
   * begin at the home's midnight, also where a day has 23 or 25 hours.
   */
  read(asked: HistoryAsked): Promise<HistoryPoint[]>
  /** The last value of each of the fields that was measured at `sinceMs` or later. */
  last(asked: LastAsked): Promise<Partial<Record<MeasurementField, HistoryPoint>>>
}
export type LastAsked = { homeId: string; deviceId: string; fields: readonly MeasurementField[]; sinceMs: number }

/** A batch on its way: once written down it is sent as it is until it is confirmed, by whoever comes across it. */
export type HistoryBatch = { points: readonly MeasuredPoint[]; cursors: readonly ShardCursor[] }
export type HistoryDeadLetter = { point: MeasuredPoint; reason: string }
export type HistoryFinish = { cursors: readonly ShardCursor[]; deadLetters: readonly HistoryDeadLetter[] }

/** Where the projector stands in the log. Every change of it is a compare-and-set on `version`. */
export type HistoryProgress = {
  /** Makes the cursors that are missing. */
  prepareCursors(shards: readonly number[]): Promise<void>
  /** `batch`: proposed, by whomever, and not yet finished. */
  readState(): Promise<{ version: number; batch: HistoryBatch | null }>
  readUnread(asked: { shards: readonly number[]; limitPerShard: number }): Promise<UnreadRows>
  /** What is placed in these homes, as of `factsVersion`. */
  readDevices(homeIds: readonly string[]): Promise<HomeDevices[]>
  /** Writes the batch down. False: somebody else was faster, nothing was written. */
  propose(version: number, batch: HistoryBatch): Promise<boolean>
  /** Moves the cursors behind what is confirmed, and keeps what was refused. False: somebody else has done it. */
  finish(version: number, done: HistoryFinish): Promise<boolean>
  /** Age of the oldest row of the log that the history has not passed; 0 when it has passed all. */
  readBehindMs(): Promise<number>
}
export type HomeDevices = { homeId: string; factsVersion: number; devices: PlacedDevice[] }
