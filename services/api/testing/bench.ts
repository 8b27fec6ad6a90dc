import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { machineClock } from '../../clock.ts'
import { Hush } from '../../core/hush.ts'
import type { Signal } from '../../core/signal.ts'
import { startEscalation } from '../../escalation/escalation.ts'
import { createHistory } from '../../history/history.ts'
import { createMetrics } from '../../metrics.ts'
import { startNotify } from '../../notify/notify.ts'
import type { Log, SmsProvider } from '../../ports.ts'
import { createApiStore } from '../../store/postgres/api-store.ts'
import { followChanges } from '../../store/postgres/changes.ts'
import { createPostgresHistory } from '../../store/postgres/history.ts'
import { createHistoryProgress } from '../../store/postgres/history-progress.ts'
import { linkToken } from '../../store/postgres/incident-links.ts'
import { createIncidents } from '../../store/postgres/incidents.ts'
import { createIncomingMessages } from '../../store/postgres/incoming-messages.ts'
import { createOutbox } from '../../store/postgres/outbox.ts'
import { readUnfolded } from '../../store/postgres/unfolded.ts'
import { createLocalHints } from '../../store/queue/local-hints.ts'
import { createSealing } from '../../store/sealing.ts'
import { createTwilioWebhooks } from '../../store/sms/twilio-webhooks.ts'
import { createTestDatabase } from '../../testing/postgres.ts'
import { createApi } from '../api.ts'
import type { ApiDeps } from '../server-types.ts'
import { PASSWORD, settleCommunity } from './community.ts'

export const AUTH_TOKEN = 'test'
export const PUBLIC_URL = 'http://anlin.example'

const silent: Log = { info() {}, warn() {}, error() {}, debug() {} }

/** Takes every message and delivers none: what goes out is read from the outbox. */
const provider: SmsProvider = {
  send: async () => ({ outcome: 'accepted', providerId: `SM${randomUUID()}` }),
  find: async () => [],
  fetchStatus: async () => null,
  listIncoming: async () => ({ messages: [], nextCursor: null }),
  close() {},
}

export type Bench = Awaited<ReturnType<typeof openBench>>

/** The API over a real database and the real escalation. Only the rules are left out: a test writes their signals. */
export async function openBench(change: Partial<ApiDeps> = {}) {
  const database = await createTestDatabase()
  const { pool, url } = database
  const sealing = createSealing('a key for tests, long enough for it')
  await settleCommunity(pool, sealing)
  const hints = createLocalHints(silent)
  const metrics = createMetrics()
  const common = { hints, clock: machineClock, log: silent, metrics }
  const incidents = createIncidents(pool, sealing)
  const tokenOf = (outboxId: string) => linkToken(sealing, outboxId)
  const escalation = await startEscalation({
    hush: new Hush(),
    ...common,
    incidents,
    publicUrl: PUBLIC_URL,
    linkToken: tokenOf,
  })
  const notify = startNotify({
    ...common,
    outbox: createOutbox(pool, sealing),
    incoming: createIncomingMessages(pool, sealing),
    people: incidents,
    provider,
    statusCallbackUrl: (outboxId) => `${PUBLIC_URL}/webhooks/twilio/message-status?outboxId=${outboxId}`,
    submit: escalation.submit,
    random: () => 0.5,
  })
  const changes = await followChanges(pool, url, silent)
  const store = createApiStore(pool, sealing, 'a session key for tests, long enough')
  const api = await createApi({
    store,
    submit: escalation.submit,
    people: incidents,
    onStatusCallback: notify.onStatusCallback,
    onIncomingMessage: notify.onIncomingMessage,
    webhooks: createTwilioWebhooks({ authToken: AUTH_TOKEN, publicUrl: PUBLIC_URL }),
    changes,
    unfoldedMs: readUnfolded(pool),
    history: createHistory(createPostgresHistory(pool), createHistoryProgress(pool)),
    metricsText: metrics.text,
    readiness: async () => ({ ready: true, checks: [{ name: 'database', ok: true }] }),
    publicUrl: PUBLIC_URL,
    demo: { smsGatewayUrl: 'http://phones.example' },
    pagesFolder: join(import.meta.dirname, 'no-pages'),
    ...common,
    ...change,
  })

  const bench = {
    api,
    app: api.app,
    store,
    pool,
    databaseUrl: url,
    sealing,
    escalation,
    tokenOf,
    metricsText: metrics.text,
    /** The cookie of a session of this user. */
    async signIn(login: string): Promise<string> {
      const session = await store.sessions.open(login, PASSWORD)
      if (!session) throw new Error(`${login} cannot sign in`)
      return `anlin_session=${session.token}`
    },
    /** A request as the pages send it. */
    async ask(cookie: string | null, method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object) {
      const headers = { 'x-anlin-csrf': '1', ...(cookie === null ? {} : { cookie }) }
      const answer = await api.app.inject({ method, url: path, headers, ...(body ? { payload: body } : {}) })
      return {
        status: answer.statusCode,
        body: answer.body === '' ? null : parsed(answer.body),
        headers: answer.headers,
      }
    },
    /** An incident as the rules would raise it. Returns its id. */
    async raise(homeId: string, change: Partial<Signal> = {}): Promise<string> {
      const now = Date.now()
      const signal = {
        type: 'ConditionRaised',
        kind: 'sos',
        subject: '',
        deviceId: 'sos-bath',
        deviceKind: 'sos-button',
        room: 'bathroom',
        at: now,
        receivedAt: now,
        severity: 'critical',
        why: { code: 'sos-pressed', values: { presses: 1 } },
        test: false,
        ...change,
      } as Signal
      const input = { type: 'SignalReceived', signal }
      const added = await pool.query<{ input_id: number }>(
        'insert into incident_input (home_id, body) values ($1, $2) returning input_id',
        [homeId, input],
      )
      await escalation.onHint(homeId)
      const { rows } = await pool.query<{ incident_id: string }>(
        'select incident_id from incident_input where home_id = $1 and input_id = $2',
        [homeId, added.rows[0]?.input_id],
      )
      return rows[0]?.incident_id ?? ''
    },
    /** Everything that waits in the outbox goes out. */
    async send(): Promise<void> {
      await notify.onHint()
      await notify.drain()
    },
    /** What the sender looks at twice a second. */
    sweep: notify.sweep,
    async audit(action: string) {
      const { rows } = await pool.query<{
        actor: string
        home_id: string | null
        subject: string | null
        detail: object
      }>('select actor, home_id, subject, detail from audit where action = $1 order by audit_id', [action])
      return rows
    },
    async close() {
      await api.close()
      await changes.close()
      await notify.close()
      await escalation.close()
      await database.close()
    },
  }
  return bench
}

function parsed(text: string) {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
