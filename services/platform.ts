import { decoder } from '../devices/index.ts'
import type { TwilioConfig } from './config.ts'
import { Hush } from './core/hush.ts'
import { SHARDS } from './core/shard.ts'
import { type Escalation, startEscalation } from './escalation/escalation.ts'
import type { Foundation } from './foundation.ts'
import { createHandover } from './history/handed-over.ts'
import { openHistory } from './history-role.ts'
import { openHttp } from './http-role.ts'
import type { IngestThread } from './ingest-thread.ts'
import type { Lifecycle } from './lifecycle.ts'
import { type Notify, startNotify } from './notify/notify.ts'
import type { DecodedSink, SignalTaker } from './ports.ts'
import type { Role } from './roles.ts'
import { createCoreFold } from './rules/core-fold.ts'
import { type RulesWorker, startRules } from './rules/rules.ts'
import { planAlarms } from './store/postgres/alarm-connections.ts'
import { createFoldStore } from './store/postgres/fold-store.ts'
import { linkToken } from './store/postgres/incident-links.ts'
import { createIncidents } from './store/postgres/incidents.ts'
import { createIncomingMessages } from './store/postgres/incoming-messages.ts'
import { freshSinkOf } from './store/postgres/log-fresh.ts'
import { createOutbox } from './store/postgres/outbox.ts'
import type { Database } from './store/postgres/pool.ts'
import { createTwilioSms } from './store/sms/twilio.ts'
import { type Swept, startSweeping } from './sweep.ts'
import { startWatchdog } from './watchdog.ts'

/** Hands every role its ports. Rooms never meet here or anywhere else: what one says to another goes through a port. */

/** A home is read and its alarm committed in some 5 ms: two of them at once, and what is read meanwhile for the next. */
const ALARM_CONNECTIONS = 4

/** `phones`: where the demo's phones are; null in production. */
type Addresses = { publicUrl: string; httpPort: number; phones: string | null }
/** `ingestThread`: null where ingest has the process to itself, or is not here. */
export type Parts = {
  foundation: Foundation
  lifecycle: Lifecycle
  addresses: Addresses
  twilio: TwilioConfig
  ingestThread: IngestThread | null
}
export type Running = { mqttUrl: string | null }

/**
 * Starts the roles from the end of the way to its beginning, so that nothing is taken in before somebody can carry it
 * on; they end in the reverse order: the entrance closes first, and what was taken in still goes out.
 */
export async function startRoles(roles: ReadonlySet<Role>, parts: Parts): Promise<Running> {
  const { foundation, lifecycle } = parts
  const swept: Swept[] = []
  // The API and notify fold a person's answer at once, so they carry the escalation too; it sweeps where it is a role.
  const hush = new Hush()
  const escalation = needsEscalation(roles) ? await openEscalation(parts, hush, roles) : null
  const notify = escalation && (roles.has('notify') || roles.has('api')) ? await openNotify(parts, escalation) : null
  if (roles.has('notify') && notify) {
    foundation.hints.listen('outbox', notify.onHint)
    swept.unshift({ role: 'notify', sweep: notify.sweep })
  }
  if (roles.has('escalation') && escalation) {
    if (roles.has('notify') && notify) escalation.sendWith(notify)
    foundation.hints.listen('incident', escalation.onHint)
    swept.unshift({ role: 'escalation', sweep: escalation.sweep })
  }
  const handover = roles.has('rules') && roles.has('history') ? createHandover() : null
  const beside = { decoded: handover, escalation: roles.has('escalation') ? escalation : null, hush }
  const rules = roles.has('rules') ? await openRules(parts, beside) : null
  if (rules) swept.unshift({ role: 'rules', sweep: rules.sweep })
  if (roles.has('history')) swept.push(...(await openHistory({ foundation, lifecycle, handover, hush })))
  const sweeper = startSweeping(swept, foundation)
  lifecycle.onEnd('sweeps', () => sweeper.close())
  await openHttp(roles.has('api') && escalation && notify ? { escalation, notify } : null, parts, sweeper)
  const mqttUrl = roles.has('ingest') ? await openIngest(parts, rules) : null
  const watchdog = startWatchdog(sweeper, { notifySocket: foundation.config.notifySocket, log: foundation.log })
  lifecycle.onEnd('watchdog', () => watchdog.close())
  return { mqttUrl }
}

function needsEscalation(roles: ReadonlySet<Role>): boolean {
  return roles.has('escalation') || roles.has('notify') || roles.has('api')
}

async function openEscalation(
  { foundation, lifecycle, addresses }: Parts,
  hush: Hush,
  roles: ReadonlySet<Role>,
): Promise<Escalation> {
  const { pool, sealing, hints, clock, log, metrics } = foundation
  const isBesideRules = roles.has('rules') && roles.has('escalation')
  const alarms = isBesideRules ? await openAlarmConnections(foundation) : pool
  const escalation = await startEscalation({
    incidents: createIncidents(pool, sealing, alarms),
    hush,
    hints,
    clock,
    log,
    metrics,
    publicUrl: addresses.publicUrl,
    linkToken: (outboxId) => linkToken(sealing, outboxId),
  })
  lifecycle.onEnd('escalation', () => escalation.close())
  return escalation
}

async function openAlarmConnections({ openOwnPool, sealing, log }: Foundation): Promise<Database> {
  const alarms = await openOwnPool('alarms', ALARM_CONNECTIONS, true)
  void planAlarms(alarms, sealing).catch((err) => log.warn({ err }, 'the first alarms will be some ms later'))
  return alarms
}

async function openNotify(parts: Parts, escalation: Escalation): Promise<Notify> {
  const { foundation, lifecycle, addresses, twilio } = parts
  const { pool, sealing, hints, clock, log, metrics } = foundation
  const provider = createTwilioSms({
    accountSid: twilio.accountSid,
    authToken: twilio.authToken,
    fromNumber: twilio.from,
    apiUrl: twilio.apiUrl,
  })
  lifecycle.onEnd('SMS provider', () => provider.close())
  const outbox = createOutbox(pool, sealing)
  if (foundation.hasNoOther) await outbox.freeClaims()
  const notify = startNotify({
    outbox,
    incoming: createIncomingMessages(pool, sealing),
    people: createIncidents(pool, sealing),
    provider,
    statusCallbackUrl: (outboxId) =>
      `${addresses.publicUrl}/webhooks/twilio/message-status?outboxId=${encodeURIComponent(outboxId)}`,
    submit: escalation.submit,
    hints,
    clock,
    log,
    metrics,
    random: Math.random,
  })
  lifecycle.onEnd('notify', () => notify.close())
  return notify
}

async function openRules(
  { foundation, lifecycle }: Parts,
  beside: { decoded: DecodedSink | null; escalation: SignalTaker | null; hush: Hush },
): Promise<RulesWorker> {
  const { pool, hints, clock, log, metrics } = foundation
  const rules = await startRules({
    store: createFoldStore(pool),
    fold: createCoreFold(decoder),
    ...beside,
    shards: SHARDS,
    hints,
    clock,
    log,
    metrics,
  })
  lifecycle.onEnd('rules', () => rules.close())
  hints.listen('log', rules.onHint)
  return rules
}

/** Beside other roles in a thread of its own; alone it has the process to itself. */
async function openIngest(parts: Parts, rules: RulesWorker | null): Promise<string> {
  const { foundation, lifecycle, ingestThread } = parts
  if (ingestThread === null) return openIngestHere(parts)
  const { config, databaseUrl, hints, metrics } = foundation
  // One that does not open is closed first of all too: it may have taken connections already.
  lifecycle.onEnd('ingest', () => ingestThread.close())
  const ports = { hints, metrics, fresh: rules && freshSinkOf(rules.fresh) }
  const { url } = await ingestThread.open({ config, databaseUrl, pretty: process.stdout.isTTY }, ports)
  return url
}

/** Loaded only here: beside other roles its broker is the thread's, and the process starts the sooner. */
async function openIngestHere({ foundation, lifecycle }: Parts): Promise<string> {
  const { APPEND_CONNECTIONS, openIngestRole } = await import('./ingest-role.ts')
  const appendPool = await foundation.openOwnPool('ingest', APPEND_CONNECTIONS)
  const ingest = await openIngestRole({ ...foundation, appendPool, fresh: null })
  lifecycle.onEnd('ingest', () => ingest.close())
  return ingest.url
}
