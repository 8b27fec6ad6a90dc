import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { FoldVerdict } from '../core/incident/effect.ts'
import type {
  ApiStore,
  ChangeFeed,
  Clock,
  Hints,
  History,
  Incidents,
  IncomingSms,
  InputSource,
  Log,
  Metrics,
  NewInput,
  SmsDelivery,
  SmsWebhooks,
  Viewer,
} from '../ports.ts'
import type { Right } from './rights.ts'

export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

export type Readiness = {
  ready: boolean
  checks: { name: string; ok: boolean; detail?: Record<string, number | string> }[]
}

export type ApiDeps = {
  store: ApiStore
  /** The escalation's own: folds a person's answer and says what came of it. @throws when the database is away */
  submit(homeId: string, incidentId: string | null, input: NewInput, source?: InputSource): Promise<FoldVerdict>
  people: Pick<Incidents, 'findResponder'>
  /** Notify's own; both end after the commit. @throws when the database is away */
  onStatusCallback(receipt: SmsDelivery & { outboxId: string }): Promise<void>
  onIncomingMessage(message: IncomingSms): Promise<void>
  webhooks: SmsWebhooks
  changes: ChangeFeed
  /** How long the oldest alarm, signal or answer waits that nobody has folded, in ms. @throws when the database is away */
  unfoldedMs(): Promise<number>
  history: History
  hints: Hints
  metrics: Metrics
  metricsText(): Promise<string>
  readiness(): Promise<Readiness>
  clock: Clock
  log: Log
  /** How people's browsers reach us; `https` makes the cookie Secure. */
  publicUrl: string
  /** In the demo: where the phones are. Null in production: no start page. */
  demo: { smsGatewayUrl: string } | null
  /** The folder with `family/` and `desk/`, as the pages' build left it. */
  pagesFolder: string
  /** Proxies in front of us, whose X-Forwarded-For is believed. None: the socket's address counts, whatever is claimed. */
  trustProxy?: string[]
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; there on every route with a `right`. */
    viewer: Viewer | null
    sessionToken: string | null
  }
  interface FastifyContextConfig {
    /** What the role must permit. Routes without one are for everybody. */
    right?: Right
  }
}
