import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import pg from 'pg'
import { whileWorking } from './headway.ts'
import { ensureLogPartitions } from './log-partitions.ts'

const FOLDER = new URL('./migrations/', import.meta.url)
/** Any constant: who migrates holds it, the others wait. */
const MIGRATION_LOCK = 726_541
/** Settings under which an acknowledged message could be lost in a power cut (P1). */
const REQUIRED_ON = ['fsync', 'full_page_writes', 'synchronous_commit']
const OLDEST_VERSION = 150_000

/**
 * Brings the schema forward, one file a transaction, under a lock, so that any number of processes may start at once.
 * @param goesOn called again and again while the server works at it, which may take long where there is much
 * @throws when the database is unsafe, too old, or was migrated from files that have changed since
 */
export async function migrate(url: string, goesOn: () => void = () => undefined): Promise<{ applied: string[] }> {
  const client = new pg.Client({ connectionString: url, application_name: 'anlin-migrate' })
  await client.connect()
  try {
    await refuseUnsafe(client)
    return await whileWorking({ url, client, goesOn }, async () => {
      await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
      await client.query(
        'create table if not exists schema_migration (name text primary key, checksum text not null, applied_at timestamptz not null default now())',
      )
      const applied = await applyMissing(client)
      await ensureLogPartitions(client)
      return { applied }
    })
  } finally {
    await client.end()
  }
}

/** @throws when a setting would let the server confirm what is not on disk, or when the server is older than 15 */
async function refuseUnsafe(client: Pick<pg.Client, 'query'>): Promise<void> {
  const { rows } = await client.query<{ name: string; setting: string }>(
    'select name, setting from pg_settings where name = any($1)',
    [[...REQUIRED_ON, 'server_version_num']],
  )
  const settings = new Map(rows.map((row) => [row.name, row.setting]))
  if (Number(settings.get('server_version_num')) < OLDEST_VERSION) {
    throw new Error('the database is older than PostgreSQL 15: please upgrade it')
  }
  for (const name of REQUIRED_ON) {
    const setting = settings.get(name)
    // remote_write, remote_apply and local all flush this server's own disk before they confirm.
    if (setting === 'off')
      throw new Error(`the database has ${name}=off and could lose acknowledged alarms: turn it on`)
  }
}

async function applyMissing(client: pg.Client): Promise<string[]> {
  const known = await client.query<{ name: string; checksum: string }>('select name, checksum from schema_migration')
  const checksums = new Map(known.rows.map((row) => [row.name, row.checksum]))
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).sort()
  const applied: string[] = []
  for (const name of names) {
    const sql = await readFile(new URL(name, FOLDER), 'utf8')
    const checksum = createHash('sha256').update(sql).digest('hex')
    const before = checksums.get(name)
    if (before === checksum) continue
    if (before !== undefined) throw new Error(`migration ${name} was changed after it ran here: add a new one instead`)
    await applyOne(client, name, sql, checksum)
    applied.push(name)
  }
  return applied
}

async function applyOne(client: pg.Client, name: string, sql: string, checksum: string): Promise<void> {
  await client.query('begin')
  try {
    await client.query(sql)
    await client.query('insert into schema_migration (name, checksum) values ($1, $2)', [name, checksum])
    await client.query('commit')
  } catch (cause) {
    await client.query('rollback')
    throw new Error(`migration ${name} failed`, { cause })
  }
}
