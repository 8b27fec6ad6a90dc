import { setTimeout as sleep } from 'node:timers/promises'
import type { DeviceNotice, HomeIncidents, Log } from '../ports.ts'
import type { AccountsPresent } from './accounts-present.ts'
import type { Connection } from './connection.ts'
import { errorCode } from './error-code.ts'
import { hears, incidentTopic } from './topic-rights.ts'

/** The database could not be read: the home is tried again after this, for as long as it has connections. */
const RETRY_MS = 1_000

/** What one home's devices are still to be told. */
type Owed = { incidentIds: Set<string>; newcomers: Set<Connection> }

export type DeviceNotices = {
  /** An incident of the home changed: whoever of its devices listens is told how it stands now. */
  changed(homeId: string, incidentId: string): void
  /** A device came to listen: it is told everything that stands. */
  greet(connection: Connection): void
  close(): void
}

type Options = { homeIncidents: HomeIncidents; present: AccountsPresent; log: Log }

/**
 * Tells devices about incidents, one home at a time, so that an older state never overtakes a newer one. What is said
 * is read from the database at that moment, never kept here.
 */
export function createDeviceNotices({ homeIncidents, present, log }: Options): DeviceNotices {
  const owed = new Map<string, Owed>()
  /** What each connection heard last, so that a receipt or a note, which change nothing at home, make no lamp blink. */
  const heard = new WeakMap<Connection, Map<string, string>>()
  let closed = false

  function owe(homeId: string): Owed {
    const known = owed.get(homeId)
    if (known) return known
    const fresh: Owed = { incidentIds: new Set(), newcomers: new Set() }
    owed.set(homeId, fresh)
    queueMicrotask(() => pay(homeId, fresh))
    return fresh
  }

  async function pay(homeId: string, home: Owed): Promise<void> {
    while (!closed && (home.incidentIds.size > 0 || home.newcomers.size > 0)) {
      const incidentIds = new Set(home.incidentIds)
      const newcomers = new Set(home.newcomers)
      home.incidentIds.clear()
      home.newcomers.clear()
      try {
        tell(homeId, await homeIncidents.presentFor(homeId), incidentIds, newcomers)
      } catch (err) {
        log.warn({ code: errorCode(err), homeId }, 'the incidents of a home cannot be read for its devices')
        if (present.ofHome(homeId).length === 0) break
        for (const id of incidentIds) home.incidentIds.add(id)
        for (const newcomer of newcomers) home.newcomers.add(newcomer)
        await sleep(RETRY_MS, undefined, { ref: false })
      }
    }
    owed.delete(homeId)
  }

  function tell(homeId: string, notices: DeviceNotice[], changed: Set<string>, newcomers: Set<Connection>): void {
    for (const presence of present.ofHome(homeId)) {
      for (const connection of presence.connections) {
        const before = newcomers.has(connection) ? undefined : heard.get(connection)
        const now = new Map(notices.map((notice) => [notice.incidentId, payloadOf(notice)]))
        heard.set(connection, now)
        for (const [incidentId, payload] of now) {
          if (!before || (changed.has(incidentId) && before.get(incidentId) !== payload)) send(connection, payload)
        }
      }
    }
  }

  return {
    changed(homeId, incidentId) {
      if (present.ofHome(homeId).length > 0) owe(homeId).incidentIds.add(incidentId)
    },
    greet(connection) {
      if (connection.presence) owe(connection.presence.account.homeId).newcomers.add(connection)
    },
    close() {
      closed = true
    },
  }
}

function payloadOf(notice: DeviceNotice): string {
  return JSON.stringify({ ...notice, at: new Date(notice.at).toISOString() })
}

/** A client that keeps its session need not subscribe again [MQTT-3.1.2-4], so it counts as listening. */
function send(connection: Connection, payload: string): void {
  const { client, presence, filters, isAccepted } = connection
  if (!client || !presence || !isAccepted || client.closed) return
  const { homeId, devices } = presence.account
  for (const { deviceId } of devices) {
    if (client.clean && !hears(filters, homeId, deviceId)) continue
    const topic = incidentTopic(homeId, deviceId)
    client.publish({ cmd: 'publish', topic, payload, qos: 1, dup: false, retain: false }, () => undefined)
  }
}
