import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock, DeviceNotice, HomeIncidents, Log } from '../ports.ts'
import type { AccountsPresent } from './accounts-present.ts'
import type { Connection } from './connection.ts'
import { errorCode } from './error-code.ts'
import { createNoticeRepeats } from './notice-repeats.ts'
import { hears, incidentTopic } from './topic-rights.ts'

/** The database could not be read: the home is tried again after this, for as long as it has connections. */
const RETRY_MS = 1_000

/** What one home's devices are still to be told: what changed, everything (who came to listen), what is urgent (again). */
type Owed = { changed: boolean; again: boolean; newcomers: Set<Connection> }

export type DeviceNotices = {
  /** An incident of the home changed: whoever of its devices listens is told how it stands now. */
  changed(homeId: string): void
  /** A device came to listen: it is told everything that stands. */
  greet(connection: Connection): void
  close(): void
}

type Options = { homeIncidents: HomeIncidents; present: AccountsPresent; clock: Clock; log: Log }

/**
 * Tells devices about incidents, one home at a time, so that an older state never overtakes a newer one. What is said
 * is read from the database at that moment, never kept here.
 */
export function createDeviceNotices({ homeIncidents, present, clock, log }: Options): DeviceNotices {
  const owed = new Map<string, Owed>()
  /** What each connection heard last, so that a receipt or a note, which change nothing at home, make no lamp blink. */
  const heard = new WeakMap<Connection, Map<string, string>>()
  const repeats = createNoticeRepeats(clock, (homeId) => {
    const listens = present.ofHome(homeId).length > 0
    if (listens) owe(homeId).again = true
    return listens
  })
  let closed = false

  function owe(homeId: string): Owed {
    const known = owed.get(homeId)
    if (known) return known
    const fresh: Owed = { changed: false, again: false, newcomers: new Set() }
    owed.set(homeId, fresh)
    queueMicrotask(() => pay(homeId, fresh))
    return fresh
  }

  async function pay(homeId: string, home: Owed): Promise<void> {
    while (!closed && (home.changed || home.again || home.newcomers.size > 0)) {
      const { again } = home
      const newcomers = new Set(home.newcomers)
      home.changed = false
      home.again = false
      home.newcomers.clear()
      try {
        tell(homeId, await homeIncidents.presentFor(homeId), { again, newcomers })
      } catch (err) {
        log.warn({ code: errorCode(err), homeId }, 'the incidents of a home cannot be read for its devices')
        if (present.ofHome(homeId).length === 0) break
        home.changed = true
        home.again ||= again
        for (const newcomer of newcomers) home.newcomers.add(newcomer)
        await sleep(RETRY_MS, undefined, { ref: false })
      }
    }
    owed.delete(homeId)
  }

  function tell(homeId: string, notices: DeviceNotice[], to: { again: boolean; newcomers: Set<Connection> }): void {
    const now = new Map(notices.map((notice) => [notice.incidentId, payloadOf(notice)]))
    const urgent = new Set(to.again ? notices.filter(waitsForSomebody).map(({ incidentId }) => incidentId) : [])
    for (const connection of present.ofHome(homeId).flatMap(({ connections }) => connections)) {
      const before = to.newcomers.has(connection) ? undefined : heard.get(connection)
      heard.set(connection, now)
      for (const [incidentId, payload] of now) {
        // Whatever differs: this read may have come before the announcement of some of it.
        if (before?.get(incidentId) !== payload || urgent.has(incidentId)) send(connection, payload)
      }
    }
    if (!notices.some(waitsForSomebody)) repeats.end(homeId)
    else if (to.again || !repeats.has(homeId)) repeats.begin(homeId)
  }

  return {
    changed(homeId) {
      if (present.ofHome(homeId).length > 0) owe(homeId).changed = true
    },
    greet(connection) {
      if (connection.presence) owe(connection.presence.account.homeId).newcomers.add(connection)
    },
    close() {
      closed = true
      repeats.close()
    },
  }
}

function waitsForSomebody({ severity, status, arrived }: DeviceNotice): boolean {
  return severity === 'critical' && status !== 'resolved' && !arrived
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
