import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import type { Log } from '../../ports.ts'
import { type DatabaseUser, databaseBinaries, databaseUser } from './embedded-binaries.ts'
import { isAlive, runningPid, stopPostmaster } from './embedded-process.ts'
import { lockFolder, socketPath } from './folder-lock.ts'

const run = promisify(execFile)

/** How often we look whether the database still lives; it is back within a second of its death. */
const SUPERVISE_MS = 200
const START_LIMIT_MS = 30_000
/** A postmaster listens on its socket as soon as it lives; where nobody does, its process id is somebody else's by now. */
const LISTENS_WITHIN_MS = 2_000

const SETTINGS: Record<string, string> = {
  // Confirmed means on disk (P1).
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  // One machine, one database, small: the whole demo stays under 450 MB.
  shared_buffers: '96MB',
  max_connections: '200',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  io_method: 'sync',
  jit: 'off',
  random_page_cost: '1.1',
  autovacuum_naptime: '20s',
  autovacuum_vacuum_scale_factor: '0.05',
  log_timezone: 'UTC',
  timezone: 'UTC',
  listen_addresses: "''",
}

export type EmbeddedDatabase = {
  /** Connection string of database `anlin`. */
  url: string
  /** Process id of the postmaster at this moment. */
  pid(): number
  /** Fast shutdown: rolls back what is open and writes a checkpoint. Called last, when nobody needs it any more. */
  stop(): Promise<void>
}

/**
 * Starts PostgreSQL on `folder`, or adopts the one that a killed predecessor left running there, and keeps it alive.
 * It runs in its own process group, so that a Ctrl-C meant for us does not end it under our drain.
 * @throws when another platform uses the folder, or when its data is of another major version
 */
export async function startEmbedded(folder: string, log: Log): Promise<EmbeddedDatabase> {
  mkdirSync(folder, { recursive: true })
  const lock = await lockFolder(folder)
  try {
    const user = databaseUser()
    const binaries = await databaseBinaries(user, `/var/lib/anlin/postgres-${process.arch}`)
    const place = await prepareFolder(folder, binaries, user)
    let pid = (await adopt(place)) ?? (await launch(place, binaries, user))
    await untilReady(place.url('postgres'))
    await ensureDatabase(place)
    let stopping = false
    const supervision = (async () => {
      while (!stopping) {
        await sleep(SUPERVISE_MS)
        if (stopping || isAlive(pid)) continue
        log.error({ pid }, 'embedded database died: starting it again')
        // For ever: without its database the platform hears nobody, and giving up helps no one.
        pid = await launch(place, binaries, user).catch((err) => {
          log.error({ err }, 'embedded database does not start: trying again')
          return pid
        })
      }
    })()
    return {
      url: place.url('anlin'),
      pid: () => pid,
      async stop() {
        stopping = true
        await supervision
        await stopPostmaster(pid)
        lock.close()
      },
    }
  } catch (error) {
    lock.close()
    throw error
  }
}

/** Of the database `anlin` that a platform runs in this folder; null when none was ever started there. */
export function embeddedUrl(folder: string): string | null {
  return existsSync(join(folder, 'postgres', 'PG_VERSION')) ? addressIn(folder)('anlin') : null
}

function addressIn(folder: string): (database: string) => string {
  const password = readFileSync(join(folder, 'postgres.password'), 'utf8').trim()
  const host = encodeURIComponent(socketPath(folder, 'socket'))
  return (database) => `postgres://anlin:${password}@localhost/${database}?host=${host}`
}

type Place = { data: string; url(database: string): string; socketFolder: string; logFile: string }

async function prepareFolder(folder: string, binaries: string, user: DatabaseUser | null): Promise<Place> {
  const data = join(folder, 'postgres')
  const socketFolder = socketPath(folder, 'socket')
  // The database's user passes through our folder without reading it.
  if (user) chmodSync(folder, 0o711)
  for (const path of [data, socketFolder]) {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    if (user) chownSync(path, user.uid, user.gid)
  }
  const passwordFile = join(folder, 'postgres.password')
  if (!existsSync(join(data, 'PG_VERSION'))) {
    rmSync(data, { recursive: true })
    mkdirSync(data, { mode: 0o700 })
    writeFileSync(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 })
    if (user) for (const path of [data, passwordFile]) chownSync(path, user.uid, user.gid)
    await run(
      join(binaries, 'bin', 'initdb'),
      ['-D', data, '-U', 'anlin', '-E', 'UTF8', '--locale=C', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`],
      { ...asUser(user), cwd: '/' },
    )
  }
  await refuseOtherMajor(data, binaries, user)
  return { data, url: addressIn(folder), socketFolder, logFile: join(folder, 'postgres.log') }
}

async function refuseOtherMajor(data: string, binaries: string, user: DatabaseUser | null): Promise<void> {
  const has = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim()
  const { stdout } = await run(join(binaries, 'bin', 'postgres'), ['--version'], { ...asUser(user), cwd: '/' })
  const runs = /(\d+)\./.exec(stdout)?.[1]
  if (has !== runs)
    throw new Error(`${data} was written by PostgreSQL ${has}, this is ${runs}: move it aside or use that version`)
}

async function launch(place: Place, binaries: string, user: DatabaseUser | null): Promise<number> {
  const deadline = performance.now() + START_LIMIT_MS
  for (;;) {
    const logFile = openSync(place.logFile, 'a', 0o600)
    const options = Object.entries({ ...SETTINGS, unix_socket_directories: place.socketFolder })
    const child = spawn(
      join(binaries, 'bin', 'postgres'),
      ['-D', place.data, ...options.flatMap(([name, value]) => ['-c', `${name}=${value === "''" ? '' : value}`])],
      { ...asUser(user), cwd: '/', detached: true, stdio: ['ignore', logFile, logFile] },
    )
    closeSync(logFile)
    const exited = new Promise<boolean>((done) => {
      child.once('exit', () => done(true))
      child.once('error', () => done(true))
    })
    child.unref()
    // The backends of a postmaster that was killed hold its shared memory for a moment; then the new one ends at once.
    const ready = untilReady(place.url('postgres'))
    // Who lost the race may still fail later, when nobody waits for it.
    ready.catch(() => undefined)
    const ended = await Promise.race([exited, ready.then(() => false)])
    if (!ended && child.pid) return child.pid
    if (performance.now() > deadline) throw new Error(`the embedded database does not start: see ${place.logFile}`)
    await sleep(100)
  }
}

async function untilReady(url: string): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS
  for (;;) {
    const cause = await faultOf(url)
    if (cause === null) return
    if (performance.now() > deadline) throw new Error('the embedded database does not answer', { cause })
    await sleep(25)
  }
}

/** Why the database does not answer; null when it does. */
async function faultOf(url: string): Promise<Error | null> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  // The call in hand rejects; that the connection goes as well is no news.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('select 1')
    return null
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** The database that a killed predecessor left running, when it answers; it may itself be dying, or still recovering. */
async function adopt(place: Place): Promise<number | null> {
  const pid = runningPid(place.data)
  const startedAt = performance.now()
  while (pid !== null && isAlive(pid)) {
    const fault = await faultOf(place.url('postgres'))
    if (fault === null) return pid
    const nobodyListens = 'code' in fault && (fault.code === 'ECONNREFUSED' || fault.code === 'ENOENT')
    const waitedMs = performance.now() - startedAt
    if (waitedMs > START_LIMIT_MS || (nobodyListens && waitedMs > LISTENS_WITHIN_MS)) return null
    await sleep(25)
  }
  return null
}

async function ensureDatabase(place: Place): Promise<void> {
  const client = new pg.Client({ connectionString: place.url('postgres') })
  await client.connect()
  try {
    const { rowCount } = await client.query("select 1 from pg_database where datname = 'anlin'")
    if (rowCount === 0) await client.query('create database anlin')
  } finally {
    await client.end()
  }
}

function asUser(user: DatabaseUser | null): { uid?: number; gid?: number } {
  return user ? { uid: user.uid, gid: user.gid } : {}
}
