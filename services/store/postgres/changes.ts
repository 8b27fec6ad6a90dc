import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Change, ChangeFeed, Log } from '../../ports.ts'
import { CHANGE_CHANNEL } from './changes-announce.ts'
import type { Database } from './pool.ts'

/** Without a notification we look each second, so a lost LISTEN connection costs a second and nothing more. */
const POLL_MS = 1_000
/** Rows that an older open transaction hides are looked for again so soon, and each time twice as late up to the limit. */
const HIDDEN_MS = 5
const MAX_HIDDEN_MS = 100
const BATCH = 500
const RECONNECT_MS = 500
/** Rows older than this are no longer held; whoever comes back later reads everything anew. */
const CHANGES_KEPT_MS = 3_600_000

/**
 * Follows the `change` table in commit order, woken by NOTIFY. Several may follow at once, each sees everything.
 * Begins with what is committed after the call; while an older transaction is open anywhere in the cluster, also with
 * what was committed after that one began.
 */
export async function followChanges(pool: Database, url: string, log: Log): Promise<ChangeFeed> {
  const listeners = new Set<(changes: Change[]) => void>()
  let position = await presentPosition(pool)
  let currentAt = performance.now()
  let pauseMs = POLL_MS
  let failing = false
  let closed = false
  let wake = () => {}
  let notified = false

  const notify = () => {
    notified = true
    wake()
  }
  const listening = keepListening(url, notify, () => closed, log)

  async function look(): Promise<Change[]> {
    const askedAt = performance.now()
    try {
      const { changes, hiddenMs } = await readChanges(pool, position)
      failing = false
      // A full batch has more behind it.
      if (changes.length < BATCH) currentAt = askedAt - hiddenMs
      pauseMs = hiddenMs === 0 ? POLL_MS : Math.min(pauseMs === POLL_MS ? HIDDEN_MS : pauseMs * 2, MAX_HIDDEN_MS)
      return changes
    } catch (err) {
      pauseMs = POLL_MS
      if (!failing) log.warn({ err }, 'changes cannot be read: pages hear nothing until they can')
      failing = true
      return []
    }
  }

  const following = (async () => {
    while (!closed) {
      if (notified) pauseMs = POLL_MS
      notified = false
      const changes = await look()
      const last = changes.at(-1)
      if (last) {
        position = { xid: last.xid, id: last.id }
        for (const listener of listeners) listener(changes)
      }
      if (notified || closed || changes.length === BATCH) continue
      await Promise.race([
        sleep(pauseMs),
        new Promise<void>((done) => {
          wake = done
        }),
      ])
    }
  })()

  return {
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    ageMs: () => performance.now() - currentAt,
    async close() {
      closed = true
      wake()
      await Promise.all([following, listening()])
    },
  }
}

/** What was committed before the oldest running transaction is known to every later reader. */
async function presentPosition(pool: Database): Promise<{ xid: bigint; id: number }> {
  const { rows } = await pool.query<{ xid: bigint }>('select pg_snapshot_xmin(pg_current_snapshot()) as xid')
  return { xid: rows[0]?.xid ?? 0n, id: 0 }
}

/**
 * The next changes in commit order; `hiddenMs` is the age of the oldest that is committed but waits for an older open
 * transaction, 0 when there is none. One statement, so that both are of one moment.
 */
async function readChanges(
  pool: Database,
  after: { xid: bigint; id: number },
): Promise<{ changes: Change[]; hiddenMs: number }> {
  const { rows } = await pool.query<(Change | { id: null }) & { hiddenMs: number }>({
    name: 'read-changes',
    text: `select hidden."hiddenMs", c.* from (
             select coalesce(extract(epoch from clock_timestamp() - min(at)) * 1000, 0)::float8 as "hiddenMs"
             from change where xid >= pg_snapshot_xmin(pg_current_snapshot())
           ) hidden left join (
             select xid, id, at, kind, home_id as "homeId", ref from change
             where (xid, id) > ($1::xid8, $2::bigint) and xid < pg_snapshot_xmin(pg_current_snapshot())
             order by xid, id limit ${BATCH}
           ) c on true order by c.xid, c.id`,
    values: [String(after.xid), after.id],
  })
  const changes: Change[] = []
  for (const { hiddenMs: _, ...row } of rows) if (row.id !== null) changes.push(row)
  return { changes, hiddenMs: rows[0]?.hiddenMs ?? 0 }
}

/** Removes what nobody is given any more. */
export async function pruneChanges(pool: Database): Promise<void> {
  await pool.query("delete from change where at < clock_timestamp() - $1 * interval '1 millisecond'", [CHANGES_KEPT_MS])
}

function keepListening(url: string, notify: () => void, closed: () => boolean, log: Log): () => Promise<void> {
  let client: pg.Client | null = null
  const loop = (async () => {
    while (!closed()) {
      const own = new pg.Client({ connectionString: url, application_name: 'anlin-listen', keepAlive: true })
      const ended = new Promise<void>((done) => {
        own.once('end', done)
        // One loss may come as several errors: the server's goodbye, then a write into the closed socket.
        own.on('error', () => done())
      })
      try {
        await own.connect()
        client = own
        own.on('notification', notify)
        await own.query(`listen ${CHANGE_CHANNEL}`)
        notify()
        // Closed while we connected: nobody else ends this one.
        if (!closed()) await ended
      } catch (err) {
        log.debug({ err }, 'cannot listen for changes')
      } finally {
        client = null
        await own.end().catch(() => undefined)
      }
      if (!closed()) await sleep(RECONNECT_MS)
    }
  })()
  return async () => {
    await client?.end().catch(() => undefined)
    await loop
  }
}
