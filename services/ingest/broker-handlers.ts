import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AedesOptions, AuthenticateError, PublishPacket } from 'aedes'
import type { AccountDirectory, Clock, Log, Metrics } from '../ports.ts'
import type { AccountRecheck } from './account-recheck.ts'
import type { AccountPresence, AccountsPresent } from './accounts-present.ts'
import { type Connection, connectionOf } from './connection.ts'
import { errorCode } from './error-code.ts'
import type { GroupCommit } from './group-commit.ts'
import type { IngestLimits } from './limits.ts'
import type { Logins } from './logins.ts'
import { isLastWill, type ReceivedQos2 } from './storing-broker.ts'
import { type IngestRejection, isNativeTopicOf, judgePublish, maySubscribe, type Verdict } from './topic-rights.ts'

const SERVER_UNAVAILABLE = 3
const BAD_USERNAME_OR_PASSWORD = 4
const FLAG_DUP = 4
const FLAG_RETAIN = 8
const FLAG_WILL = 16
/** What a row costs in memory and on the wire besides its payload. */
const ROW_BYTES = 200
const KEEPALIVE_FACTOR_MS = 1_500
/** A look that failed is not repeated sooner: when a district's connections are lost they all look. */
const SESSION_AGAIN_MS = 1_000

type Handlers = Required<Pick<AedesOptions, 'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe'>>
type Parts = {
  accounts: AccountDirectory
  logins: Logins
  present: AccountsPresent
  recheck: AccountRecheck
  commits: GroupCommit
  received: ReceivedQos2
  clock: Clock
  log: Log
  metrics: Metrics
  limits: IngestLimits
}

/** What the broker asks us about its clients. */
export function brokerHandlers(parts: Parts): Handlers {
  const { limits, log } = parts
  return {
    preConnect(client, packet, callback) {
      const connection = connectionOf(client)
      if (!connection) return callback(new Error('unknown connection'), false)
      // Ours to watch: Aedes' own timer would run out on a connection that we do not read [MQTT-3.1.2-24].
      connection.keepaliveMs = (packet.keepalive ?? 0) * KEEPALIVE_FACTOR_MS
      packet.keepalive = 0
      connection.login = { username: packet.username ?? '', secret: packet.password?.toString() ?? '' }
      // Nobody takes over another account's session, whatever client id it chooses.
      packet.clientId = `${encodeURIComponent(packet.username ?? '')}/${packet.clientId || randomUUID()}`
      // Aedes keeps this packet for as long as the connection stands: the secret shall not stay in memory with it.
      Object.assign(packet, { username: undefined, password: undefined })
      callback(null, true)
    },
    authenticate(client, _username, _password, done) {
      const connection = connectionOf(client)
      if (!connection?.login) return done(refusal(SERVER_UNAVAILABLE), null)
      const { username, secret } = connection.login
      connection.login = null
      login(parts, connection, username, secret).then(
        (accepted) => done(accepted ? null : refusal(BAD_USERNAME_OR_PASSWORD), accepted),
        (err) => {
          parts.metrics.count('anlin_logins_refused_total', 1, { reason: 'unavailable' })
          log.warn({ code: errorCode(err) }, 'an account cannot be looked up')
          done(refusal(SERVER_UNAVAILABLE), null)
        },
      )
    },
    authorizePublish(client, packet, callback) {
      const connection = client ? connectionOf(client) : undefined
      if (!client || !connection?.presence) return callback(new Error('publish without an account'))
      if (isLastWill(packet)) return takeWill(parts, connection, packet, callback)
      // A repeat within a QoS 2 handshake is stored already and only asks for its PUBREC again.
      if (packet.qos === 2 && parts.received.has(client, packet.messageId ?? 0)) return callback()
      const stored = () => {
        if (client.closed) return
        // PUBACKs are written by the connection, all of a batch at once; Aedes would write each by itself.
        if (packet.qos === 1) {
          connection.acknowledge(packet.messageId ?? 0)
          packet.qos = 0
        }
        callback()
      }
      take(parts, connection, { packet, will: null, stored })
    },
    authorizeSubscribe(client, subscription, callback) {
      const connection = connectionOf(client)
      const rights = connection?.presence?.rights
      if (!connection || !rights || !maySubscribe(rights, subscription.topic, limits.topicLength)) {
        return callback(null, null)
      }
      if (connection.filters.size >= limits.subscriptionsPerConnection) return callback(null, null)
      connection.subscribed(subscription.topic)
      callback(null, subscription)
    },
  }
}

async function login(parts: Parts, connection: Connection, username: string, secret: string): Promise<boolean> {
  const known = await parts.logins.check(username, secret)
  if (known) connection.session = await parts.accounts.startSession(known.account)
  // Asked again of what is kept: a change that was announced meanwhile has ended it.
  const account = known && (await parts.logins.check(username, secret))
  if (!account) {
    parts.metrics.count('anlin_logins_refused_total', 1, { reason: 'credentials' })
    return false
  }
  // It may have gone while we asked; then there is nobody to join.
  if (connection.socket.destroyed) return false
  parts.present.join(account, connection)
  return true
}

function refusal(returnCode: number): AuthenticateError {
  return Object.assign(new Error('login refused'), { returnCode })
}

type Taking = { packet: PublishPacket; will: { rejected: IngestRejection | null } | null; stored: () => void }

/** The commit comes before the answer: PUBACK and PUBREC follow when `stored` is called, and not before (P1). */
function take(parts: Parts, connection: Connection, taking: Taking): void {
  const { presence } = connection
  if (!presence) return
  connection.messageWaits()
  const { topic, payload } = taking.packet
  const judge = () => judgePublish(presence.rights, topic, parts.limits.topicLength)
  const verdict = judge()
  const doubted = verdict.rejected === 'topic-not-allowed' && !taking.will && isNativeTopicOf(presence.rights, topic)
  const readAgain = doubted ? parts.recheck.refused(presence, payload.length + ROW_BYTES) : null
  if (readAgain) readAgain.then(() => commit(parts, connection, presence, taking, judge()))
  else commit(parts, connection, presence, taking, verdict)
}

function commit(
  { commits, clock }: Parts,
  connection: Connection,
  presence: AccountPresence,
  { packet, will, stored }: Taking,
  verdict: Verdict,
): void {
  const { account, homeId } = presence.account
  const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
  commits.append({
    shard: presence.shard,
    lane: verdict.lane,
    homeId,
    account,
    flags: packet.qos | (packet.dup ? FLAG_DUP : 0) | (packet.retain ? FLAG_RETAIN : 0) | (will ? FLAG_WILL : 0),
    packetId: packet.messageId ?? null,
    topic: verdict.rejected === 'malformed-topic' ? packet.topic.replaceAll('\0', '\ufffd') : packet.topic,
    payload,
    rejected: verdict.rejected ?? will?.rejected ?? null,
    bytes: payload.length + packet.topic.length + ROW_BYTES,
    arrivedMs: clock.monotonicMs(),
    source: connection,
    settle(isStored) {
      connection.messageSettled()
      if (isStored) stored()
      else connection.end('not-stored')
    },
  })
}

/**
 * A last will says that the device is gone, which is untrue when we ended the connection, and when the account has come
 * back by a later one, on whichever ingest. The will of a replaced session is kept with that reason.
 */
function takeWill(parts: Parts, connection: Connection, will: PublishPacket, callback: (error?: Error) => void): void {
  const account = connection.presence?.account.account
  if (connection.endedByUs || account === undefined) {
    callback(new Error('the connection was ended by ourselves'))
    return
  }
  latestSession(parts, account).then(
    (latest) => {
      const rejected = latest > connection.session ? 'superseded-will' : null
      take(parts, connection, { packet: will, will: { rejected }, stored: callback })
    },
    (err) => {
      parts.log.error({ code: errorCode(err), account }, 'a last will cannot be judged: supervision has to notice')
      callback(new Error('the session cannot be looked up'))
    },
  )
}

/** Asked for as long as a message may wait for its commit: a database that is away takes connections with it. */
async function latestSession({ accounts, clock, limits }: Parts, account: string): Promise<number> {
  const deadlineMs = clock.monotonicMs() + limits.waitingMs
  for (;;) {
    try {
      return await accounts.latestSession(account)
    } catch (error) {
      if (clock.monotonicMs() > deadlineMs) throw error
      await sleep(SESSION_AGAIN_MS, undefined, { ref: false })
    }
  }
}
