import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Log } from '../../ports.ts'
import { asUser, type Place, prepareFolder } from './embedded-folder.ts'
import { cutLog } from './embedded-log.ts'
import { isAlive, runningPid, stopPostmaster } from './embedded-process.ts'
import { codeOf, faultOf, isRecovering, START_LIMIT_MS, untilReady } from './embedded-ready.ts'
import { recoverySync } from './embedded-sync.ts'
import { lockFolder } from './folder-lock.ts'

export { embeddedUrl } from './embedded-folder.ts'

/** How often we look whether the database still lives; it is back within a second of its death. */
const SUPERVISE_MS = 50
/** Where it cannot even be launched. */
const LAUNCH_AGAIN_MS = 1_000
const CUT_EVERY_MS = 60_000
/** A postmaster listens on its socket as soon as it lives; where nobody does, its process id is somebody else's by now. */
const LISTENS_WITHIN_MS = 2_000

/**
 * A sixteenth of the memory we may use, within these limits. What was never touched takes none, so a young demo stays as small
 * as it is. Behind a million rows the rules sustained 0.14 of ingest's maximum with 96 MB and 0.20 with 1 GB (one run each).
 */
const SHARED_BUFFERS_MB = { least: 96, most: 1_024, share: 1 / 16 }

function sharedBuffersMb(): number {
  const { least, most, share } = SHARED_BUFFERS_MB
  // A container's limit, where there is one; where not, Node says 0 or more than there is.
  const memoryBytes = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
  return Math.round(Math.min(Math.max((memoryBytes * share) / 2 ** 20, least), most))
}

const SETTINGS: Record<string, string> = {
  // Confirmed means on disk (P1).
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  shared_buffers: `${sharedBuffersMb()}MB`,
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
  // No query of ours has a choice that more rows would decide, and a look at 30,000 of them of each young table, again with each
  // doubling, cost 2 µs of each message.
  default_statistics_target: '10',
  // A lost race or a doubled point is refused all day long: one line each, without our statement and without its values.
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
  log_timezone: 'UTC',
  timezone: 'UTC',
  listen_addresses: '',
}

export type EmbeddedDatabase = {
  /** Connection string of database `anlin`. */
  url: string
  /** Process id of the postmaster that answered last. */
  pid(): number
  /** Fast shutdown: rolls back what is open and writes a checkpoint. Called last, when nobody needs it any more. */
  stop(): Promise<void>
}

/** One postmaster over its lives: `pid` is known from the moment it runs, `answering` once it answers. */
type Postmaster = {
  pid: number | null
  answering: number | null
  log: Log
  goesOn: () => void
  ending: AbortController
  /** The database is being made, or the first of them was launched or found: from now on it is waited for. */
  underway: PromiseWithResolvers<void>
}

/**
 * Starts PostgreSQL on `folder`, or adopts the one that a killed predecessor left running there, and keeps it alive.
 * It runs in its own process group, so that a Ctrl-C meant for us does not end it under our drain.
 * @param goesOn called whenever it says that it recovers
 * @param onStarting given the way to stop it before anything runs: whoever is ended during a long start uses it; and what
 *   resolves when it only has to be waited for (while it is made, or from its launch on): time for other things
 * @throws when another platform uses the folder, its data is of another major version, or it was stopped meanwhile;
 *   then nothing of it runs on
 */
export async function startEmbedded(
  folder: string,
  log: Log,
  onStarting: (stop: () => Promise<void>, underway: Promise<void>) => void = () => undefined,
  goesOn: () => void = () => undefined,
): Promise<EmbeddedDatabase> {
  mkdirSync(folder, { recursive: true })
  const lock = await lockFolder(folder)
  const underway = Promise.withResolvers<void>()
  const ending = new AbortController()
  const postmaster: Postmaster = { pid: null, answering: null, log, goesOn, ending, underway }
  const starting = bringUp(folder, postmaster)
  let supervision: Promise<void> = Promise.resolve()
  const stop = async () => {
    ending.abort(new Error('the embedded database was stopped while it started'))
    await starting.catch(() => undefined)
    await supervision
    if (postmaster.pid !== null) await stopPostmaster(postmaster.pid)
    lock.close()
  }
  onStarting(stop, underway.promise)
  try {
    const place = await starting
    supervision = supervise(place, postmaster)
    return { url: place.url('anlin'), pid: () => postmaster.answering ?? 0, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function bringUp(folder: string, postmaster: Postmaster): Promise<Place> {
  const { log, goesOn, ending, underway } = postmaster
  const place = await prepareFolder(folder, ending.signal, underway.resolve)
  postmaster.pid = postmaster.answering = await adopt(place, postmaster)
  if (postmaster.pid === null) await launch(place, postmaster)
  await untilReady(place.url('postgres'), { log, goesOn, ending: ending.signal })
  await ensureDatabase(place)
  ending.signal.throwIfAborted()
  return place
}

async function supervise(place: Place, postmaster: Postmaster): Promise<void> {
  const { log, ending } = postmaster
  let cutAtMs = Number.NEGATIVE_INFINITY
  while (!ending.signal.aborted) {
    await sleep(SUPERVISE_MS)
    if (performance.now() - cutAtMs > CUT_EVERY_MS) {
      cutAtMs = performance.now()
      await cutLog(place.logFile).catch((err) => log.warn({ err }, 'what the database says of itself is not cut'))
    }
    const { pid } = postmaster
    if (ending.signal.aborted || (pid !== null && isAlive(pid))) continue
    log.error({ pid }, 'embedded database died: starting it again')
    // For ever: without its database the platform hears nobody, and giving up helps no one.
    await launch(place, postmaster).catch(async (err) => {
      if (ending.signal.aborted) return
      log.error({ err }, 'embedded database does not start: trying again')
      await sleep(LAUNCH_AGAIN_MS)
    })
  }
}

async function launch(place: Place, postmaster: Postmaster): Promise<void> {
  const { log, goesOn, ending } = postmaster
  const deadline = performance.now() + START_LIMIT_MS
  for (;;) {
    ending.signal.throwIfAborted()
    const child = spawnPostmaster(place)
    postmaster.pid = child.pid ?? null
    const exited = new Promise<boolean>((done) => {
      child.once('exit', () => done(true))
      child.once('error', () => done(true))
    })
    child.unref()
    postmaster.underway.resolve()
    // The backends of a postmaster that was killed hold its shared memory for a moment; then the new one ends at once.
    const settled = new AbortController()
    const called = AbortSignal.any([settled.signal, ending.signal])
    const ready = untilReady(place.url('postgres'), { log, goesOn, ending: called })
    // Who lost the race is called off, and nobody waits for its failure.
    ready.catch(() => undefined)
    const ended = await Promise.race([exited, ready.then(() => false)])
    settled.abort()
    if (!ended) {
      postmaster.answering = postmaster.pid
      return
    }
    postmaster.pid = null
    if (performance.now() > deadline) throw new Error(`the database does not start: see ${place.logFile}`)
    await sleep(100)
  }
}

function spawnPostmaster(place: Place): ChildProcess {
  const settings = { ...SETTINGS, ...recoverySync(place.data), unix_socket_directories: place.socketFolder }
  const logFile = openSync(place.logFile, 'a', 0o600)
  try {
    return spawn(
      join(place.binaries, 'bin', 'postgres'),
      ['-D', place.data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      { ...asUser(place.user), cwd: '/', detached: true, stdio: ['ignore', logFile, logFile] },
    )
  } finally {
    closeSync(logFile)
  }
}

/** The database that a killed predecessor left running, when it answers; it may itself be dying, or still recovering. */
async function adopt(place: Place, { log, goesOn, ending, underway }: Postmaster): Promise<number | null> {
  const pid = runningPid(place.data)
  const startedAt = performance.now()
  while (pid !== null && isAlive(pid)) {
    ending.signal.throwIfAborted()
    const fault = await faultOf(place.url('postgres'))
    // Not before it has said something itself: whoever is busy meanwhile would take its silence for nobody there.
    if (fault === null || isRecovering(fault)) underway.resolve()
    if (fault === null) return pid
    if (isRecovering(fault)) {
      // Or it is shutting down, and says the same: then it ends.
      await untilReady(place.url('postgres'), { log, goesOn, ending: ending.signal, isThere: () => isAlive(pid) })
      continue
    }
    const nobodyListens = ['ECONNREFUSED', 'ENOENT'].includes(codeOf(fault))
    const waitedMs = performance.now() - startedAt
    if (waitedMs > START_LIMIT_MS || (nobodyListens && waitedMs > LISTENS_WITHIN_MS)) return null
    await sleep(25)
  }
  return null
}

async function ensureDatabase(place: Place): Promise<void> {
  const client = new pg.Client({ connectionString: place.url('postgres') })
  // Whoever stops the database under us has the call in hand reject; the connection's own end is no news.
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rowCount } = await client.query("select 1 from pg_database where datname = 'anlin'")
    if (rowCount === 0) await client.query('create database anlin')
  } finally {
    await client.end()
  }
}
