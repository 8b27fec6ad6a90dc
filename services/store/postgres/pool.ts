import pg from 'pg'
import type { Log } from '../../ports.ts'

/** A pool of connections to the system of record, and what store functions take as their first argument. */
export type Database = pg.Pool
/** A connection inside a transaction, or the pool where one autocommit statement is meant. */
export type Queryable = Pick<pg.PoolClient, 'query'>

/** Nobody may hold a writing transaction open: the cursor's limit waits for it (ARCHITECTURE.md, "The cursor"). */
const IDLE_IN_TRANSACTION_MS = 2_000
const TRANSACTION_MS = 10_000
const STATEMENT_MS = 9_000
const CONNECT_MS = 5_000
/**
 * Longer than the server lets a statement run: who has no answer by then has lost the server (a machine that is gone
 * says no goodbye), and an alarm must not wait for it. The connection is given up and the next sweep takes another.
 */
const ANSWER_MS = 15_000
/**
 * A connection that is opened costs both sides a tenth of a second of a processor until it has signed in and planned its first
 * statements, and an alarm in a quiet community must not pay it. pg closes what was idle for 10 s, all of it: these are kept
 * for ever, and what a storm took beyond them for some minutes.
 */
const KEPT = 4
const IDLE_MS = 300_000
/** Whoever stands between keeps an idle connection in mind, and a machine that is gone is found out. */
const KEEP_ALIVE_AFTER_MS = 30_000
/** `transaction_timeout` exists from here on. */
const TRANSACTION_TIMEOUT_FROM = 170_000

const TYPE_INT8 = 20
const TYPE_TIMESTAMPTZ = 1184
const TYPE_XID8 = 5069

/** Ids and counts stay below 2^53; times are epoch ms (fractions kept); xids are bigints, for they are compared. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (format === 'binary') return pg.types.getTypeParser(oid, 'binary')
    if (oid === TYPE_INT8) return Number
    if (oid === TYPE_TIMESTAMPTZ) return parseTimestamp
    if (oid === TYPE_XID8) return BigInt
    return pg.types.getTypeParser(oid, 'text')
  }) as pg.CustomTypesConfig['getTypeParser'],
}

function parseTimestamp(text: string): number {
  if (text === 'infinity') return Number.POSITIVE_INFINITY
  if (text === '-infinity') return Number.NEGATIVE_INFINITY
  return Date.parse(text)
}

/**
 * A statement that the server refused (a lost race above all) leaves its connection as it was. pg's own pool ends it all the
 * same, and whoever comes next waits for a new one, whose statements have to be prepared anew.
 */
class KeepingPool extends pg.Pool {
  constructor(config: pg.PoolConfig) {
    super(config)
    this.query = this.#queryAndKeep.bind(this) as pg.Pool['query']
  }

  async #queryAndKeep(text: string, values?: unknown[]): Promise<pg.QueryResult> {
    const client = await this.connect()
    let broken: Error | undefined
    try {
      return await client.query(text, values)
    } catch (error) {
      if (!isRefusal(error)) broken = error instanceof Error ? error : new Error('query failed')
      throw error
    } finally {
      client.release(broken)
    }
  }
}

/**
 * What the values or somebody else's transaction were to blame for: data, constraints, lost races. Any other error may belong
 * to the connection, as that of a server that only lets us read, or of a statement that was prepared before a migration.
 */
const REFUSED = /^(22|23|40)/
function isRefusal(error: unknown): boolean {
  return error instanceof pg.DatabaseError && REFUSED.test(error.code ?? '')
}

type PoolOptions = { max: number; name: string; plansOnce?: boolean; log?: Log }

/**
 * Opens a pool. `max` is the limit of connections; who finds none waits at most CONNECT_MS and then gets an error.
 * `plansOnce`: for few statements that are always the same; others are planned with their values five times first.
 * @throws when the server cannot be reached
 */
export async function openPool(url: string, options: PoolOptions): Promise<Database> {
  const version = await serverVersion(url)
  const settings = [
    `-c idle_in_transaction_session_timeout=${IDLE_IN_TRANSACTION_MS}`,
    `-c statement_timeout=${STATEMENT_MS}`,
    version >= TRANSACTION_TIMEOUT_FROM ? `-c transaction_timeout=${TRANSACTION_MS}` : '',
    '-c timezone=UTC',
    options.plansOnce ? '-c plan_cache_mode=force_generic_plan' : '',
  ]
  const pool = new KeepingPool({
    connectionString: url,
    max: options.max,
    min: Math.min(KEPT, options.max),
    idleTimeoutMillis: IDLE_MS,
    application_name: `anlin-${options.name}`,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: ANSWER_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    options: settings.join(' ').trim(),
    types,
  })
  // An idle connection that the server closed is replaced at the next query; without a listener it would end the process.
  pool.on('error', (error) => options.log?.warn({ code: errorCode(error) }, 'database connection lost'))
  // A connection in use tells its loss to the query in hand; a second error of the same loss (a write after the goodbye
  // of a killed server) has nobody waiting for it and would end the process too.
  pool.on('connect', (client) => void client.on('error', () => undefined))
  return pool
}

async function serverVersion(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS })
  await client.connect()
  try {
    const { rows } = await client.query<{ version: string }>("select current_setting('server_version_num') as version")
    return Number(rows[0]?.version)
  } finally {
    await client.end()
  }
}

/** SQLSTATE or the system's code of a failed query; `unknown` where neither is there. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'
}

/** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
export async function inTransaction<T>(pool: Database, work: (tx: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch((rollbackError: Error) => {
      broken = rollbackError
    })
    throw error
  } finally {
    client.release(broken)
  }
}
