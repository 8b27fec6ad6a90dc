import pg from 'pg'

/** A question of its own each time, over a connection of its own: the one that works cannot be asked. */
const LOOK_EVERY_MS = 5_000
const ANSWER_WITHIN_MS = 2_000

/**
 * Does `work`, whose statements run on `client`, and calls `goesOn` at each look that finds the server working at one of
 * them. One that waits for a lock, or a server that says nothing, makes no headway.
 */
export async function whileWorking<T>(
  { url, client, goesOn, lookEveryMs = LOOK_EVERY_MS }: Watched,
  work: () => Promise<T>,
): Promise<T> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  const pid = rows[0]?.pid
  const looking = setInterval(() => {
    void isWorking(url, pid).then((working) => working && goesOn())
  }, lookEveryMs)
  try {
    return await work()
  } finally {
    clearInterval(looking)
  }
}

type Watched = { url: string; client: pg.Client; goesOn: () => void; lookEveryMs?: number }

/** Whether the server says so of this one of its processes within moments. */
export async function isWorking(url: string, pid: number | undefined): Promise<boolean> {
  const limits = { connectionTimeoutMillis: ANSWER_WITHIN_MS, query_timeout: ANSWER_WITHIN_MS }
  const asking = new pg.Client({ connectionString: url, application_name: 'anlin-headway', ...limits })
  asking.on('error', () => undefined)
  try {
    await asking.connect()
    const { rowCount } = await asking.query(
      "select 1 from pg_stat_activity where pid = $1 and state = 'active' and wait_event_type is distinct from 'Lock'",
      [pid],
    )
    return rowCount === 1
  } catch {
    return false
  } finally {
    await asking.end().catch(() => undefined)
  }
}
