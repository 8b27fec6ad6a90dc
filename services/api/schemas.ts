import Type, { type Static, type TSchema } from 'typebox'
import { CONVENTIONS, DEVICE_KINDS, MEASUREMENT_FIELDS } from '../../devices/observation.ts'
import { RULE_SETTINGS } from '../core/rules/index.ts'
import { INCIDENT_KINDS, SEVERITIES } from '../core/signal.ts'
import { PROBLEMS, type ProblemCode } from './errors.ts'

/** What comes in and goes out over HTTP: one schema each, from which type, check and OpenAPI entry come. */

const TEXT_MAX = 200
const NOTE_MAX = 2_000
export const PAGE_DEFAULT = 100
const PAGE_MAX = 500

export const oneOf = <T extends string>(values: readonly T[]) =>
  Type.Unsafe<T>({ type: 'string', enum: [...values] } satisfies { type: 'string'; enum: string[] })
export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
export const strict = { additionalProperties: false }

/** RFC 3339 knows the second 60 of a leap second; no Date does. */
export const Time = Type.String({
  format: 'date-time',
  pattern: '^[^:]*:[0-9]+:[0-5]',
  description: 'ISO 8601 with offset',
})
export const Text = Type.String({ minLength: 1, maxLength: TEXT_MAX, pattern: '^[^\\u0000]*$' })
export const Note = Type.String({ minLength: 1, maxLength: NOTE_MAX, pattern: '^[^\\u0000]*$' })
/** Part of MQTT topics and of other ids, so no dots, slashes or wildcards. */
export const NewId = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' })
const AnyId = Type.String({ minLength: 1, maxLength: TEXT_MAX, pattern: '^[^\\u0000]*$' })
export const Phone = Type.String({ pattern: '^\\+[1-9][0-9]{6,14}$', description: 'E.164, e.g. +8615500000101' })
export const Language = oneOf(['zh', 'en'] as const)
export const TimeZone = Type.String({ minLength: 1, maxLength: 64, description: 'IANA name, e.g. Asia/Shanghai' })

export const HomeParams = Type.Object({ id: AnyId })
export const IncidentParams = Type.Object({ id: AnyId })
export const DeviceParams = Type.Object({ id: AnyId, deviceId: AnyId })
export const ContactParams = Type.Object({ id: AnyId, contactId: AnyId })
export const UserParams = Type.Object({ id: AnyId })
export const PageQuery = {
  cursor: Type.Optional(Type.String({ maxLength: 400, pattern: '^[^\\u0000]*$' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_MAX, default: PAGE_DEFAULT })),
}
export const listOf = <T extends TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), nextCursor: nullable(Type.String()) })

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: oneOf(Object.keys(PROBLEMS) as ProblemCode[]),
    field: Type.Optional(Type.String({ description: 'the field at fault' })),
    detail: Type.Optional(Type.String()),
    takenBy: Type.Optional(Type.Unknown({ description: 'with `already-taken`: who has the incident' })),
  },
  { description: 'RFC 9457' },
)

export const Me = Type.Object({
  id: Type.String(),
  login: Type.String(),
  name: Type.String(),
  role: Type.String(),
  language: Language,
  homes: Type.Array(Type.String()),
  gridCells: Type.Array(Type.String()),
})

export const HomeSettingsIn = Type.Object(
  Object.fromEntries(
    Object.entries(RULE_SETTINGS).map(([name, { min, max, unit, source, default: value }]) => [
      name,
      Type.Optional(
        Type.Number({ minimum: min, maximum: max, description: `${unit}; default ${value}; source: ${source}` }),
      ),
    ]),
  ),
  strict,
)

export const Home = Type.Object({
  id: Type.String(),
  label: Type.String(),
  gridCellId: Type.String(),
  timeZone: Type.String(),
  language: Language,
  residentName: nullable(Type.String()),
  state: Type.Object({
    lastWordAt: nullable(Time),
    gatewayLost: Type.Boolean(),
    lastSignOfLifeAt: nullable(Time),
    lastSignOfLifeRoom: nullable(Type.String()),
    lastSignOfLifeInBed: Type.Boolean(),
    devicesTotal: Type.Integer(),
    devicesLost: Type.Integer(),
  }),
  testModeUntil: nullable(Time),
})
export const HomeDetail = Type.Object({
  ...Home.properties,
  address: nullable(Type.String()),
  notes: nullable(Type.String()),
  settings: Type.Record(Type.String(), Type.Number()),
})

export const Device = Type.Object({
  id: Type.String(),
  kind: oneOf(DEVICE_KINDS),
  room: nullable(Type.String()),
  gatewayId: nullable(Type.String()),
  convention: oneOf(CONVENTIONS),
  address: nullable(Type.String()),
  state: oneOf(['online', 'lost', 'unknown'] as const),
  lastSeenAt: nullable(Time),
  batteryPercent: nullable(Type.Number()),
})
/** No wildcard, no control character, no empty level; `$` and `care` are the broker's own and ours. */
const Address = Type.String({
  minLength: 1,
  maxLength: 256,
  pattern: '^(?!\\$|care(/|$))[^+#/\\u0000-\\u001f]+(/[^+#/\\u0000-\\u001f]+)*$',
  description:
    'where its topics begin in a convention that is not the native one, e.g. zigbee2mqtt/bathroom button; of a gateway that of all behind it',
})
export const DeviceIn = Type.Object(
  {
    id: NewId,
    kind: oneOf(DEVICE_KINDS),
    room: Type.Optional(nullable(Text)),
    gatewayId: Type.Optional(nullable(NewId)),
    convention: Type.Optional(oneOf(CONVENTIONS)),
    address: Type.Optional(nullable(Address)),
  },
  strict,
)

const ContactRole = oneOf(['family-keyholder', 'family', 'neighbour', 'property-manager'] as const)
const ContactFields = {
  name: Text,
  role: ContactRole,
  phone: Phone,
  language: Language,
  position: Type.Integer({ minimum: 0, maximum: 1000, description: 'within the role, the lower is told first' }),
}
export const Contact = Type.Object({
  id: Type.String(),
  name: Type.String(),
  role: Type.String(),
  phone: Type.String(),
  language: Language,
  position: Type.Integer(),
})
export const ContactIn = Type.Object(
  {
    ...ContactFields,
    language: Type.Optional(Language),
    position: Type.Optional(ContactFields.position),
  },
  strict,
)
export const ContactPatch = Type.Object(
  { ...Type.Partial(Type.Object(ContactFields)).properties, removed: Type.Optional(Type.Literal(true)) },
  strict,
)

const Kind = oneOf(INCIDENT_KINDS)
const Status = oneOf(['open', 'acknowledged', 'resolved'] as const)
export const Outcome = oneOf(['real', 'false-alarm', 'test', 'drill', 'duplicate'] as const)
const manyOf = <T extends TSchema>(schema: T) => Type.Union([Type.Array(schema, { maxItems: 20 }), schema])
export const IncidentQuery = Type.Object({
  ...PageQuery,
  status: Type.Optional(manyOf(Status)),
  kind: Type.Optional(manyOf(Kind)),
  homeId: Type.Optional(AnyId),
  from: Type.Optional(Time),
  to: Type.Optional(Time),
})
const TakenBy = Type.Object({
  id: Type.String(),
  contactId: nullable(Type.String({ description: 'the contact of the home that they answered as' })),
  name: Type.String(),
  role: Type.String(),
  at: Time,
})
const IncidentFields = {
  id: Type.String(),
  homeId: nullable(Type.String()),
  homeLabel: nullable(Type.String()),
  kind: Kind,
  subject: nullable(Type.String()),
  severity: oneOf(SEVERITIES),
  condition: oneOf(['active', 'returned'] as const),
  status: Status,
  openedAt: Time,
  takenBy: nullable(TakenBy),
  takenByFamily: Type.Boolean(),
  arrivedAt: nullable(Time),
  nextStepAt: nullable(Time),
  nextStep: nullable(Type.Object({ who: nullable(Type.String()), at: Time })),
  outcome: nullable(Outcome),
  resolvedAt: nullable(Time),
  pressCount: Type.Integer(),
  deviceId: nullable(Type.String()),
  room: nullable(Type.String()),
  why: nullable(Type.Object({ code: Type.String(), values: Type.Record(Type.String(), Type.Unknown()) })),
  told: Type.Array(
    Type.Object({ name: Type.String(), role: Type.String(), status: Type.String(), at: nullable(Time) }),
  ),
}
export const Incident = Type.Object(IncidentFields)
export const IncidentWithTimeline = Type.Object({
  ...IncidentFields,
  timeline: Type.Array(
    Type.Object({
      seq: Type.Integer(),
      at: Time,
      type: Type.String(),
      body: Type.Record(Type.String(), Type.Unknown()),
    }),
  ),
})

export const Field = oneOf(MEASUREMENT_FIELDS)
export type HomeJson = Static<typeof Home>
export type DeviceJson = Static<typeof Device>
export type IncidentJson = Static<typeof Incident>
