import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type DatabaseUser, databaseBinaries, databaseUser } from './embedded-binaries.ts'
import { socketPath } from './folder-lock.ts'

const run = promisify(execFile)

/** Where the database is made; it is named `postgres` only once it is whole. */
const HALF_PREFIX = 'postgres.new-'

/** Where an embedded database lies, and what it is run with. */
export type Place = {
  data: string
  url(database: string): string
  socketFolder: string
  logFile: string
  binaries: string
  user: DatabaseUser | null
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

/**
 * The folder with a whole database in it, made when there is none.
 * @param ending cuts the making short
 * @param onMaking called when it is being made, by a process of its own, for a second or two
 * @throws when the data is of another major version
 */
export async function prepareFolder(folder: string, ending: AbortSignal, onMaking: () => void): Promise<Place> {
  const user = databaseUser()
  const binaries = await databaseBinaries(user, `/var/lib/anlin/postgres-${process.arch}`)
  const data = join(folder, 'postgres')
  const socketFolder = socketPath(folder, 'socket')
  // The database's user passes through our folder without reading it.
  if (user) chmodSync(folder, 0o711)
  mkdirSync(socketFolder, { recursive: true, mode: 0o700 })
  if (user) chownSync(socketFolder, user.uid, user.gid)
  for (const half of readdirSync(folder).filter((name) => name.startsWith(HALF_PREFIX))) {
    rmSync(join(folder, half), { recursive: true, force: true })
  }
  if (!existsSync(join(data, 'PG_VERSION'))) await makeDatabase(folder, data, { binaries, user, ending, onMaking })
  await refuseOtherMajor(data, binaries, user)
  return { data, url: addressIn(folder), socketFolder, logFile: join(folder, 'postgres.log'), binaries, user }
}

/** A name of this process's own: an initdb that outlived a killed platform must not write into what we make. */
async function makeDatabase(
  folder: string,
  data: string,
  parts: { binaries: string; user: DatabaseUser | null; ending: AbortSignal; onMaking(): void },
): Promise<void> {
  const { binaries, user, ending, onMaking } = parts
  const half = join(folder, `${HALF_PREFIX}${process.pid}`)
  const passwordFile = join(folder, 'postgres.password')
  mkdirSync(half, { mode: 0o700 })
  writeFileSync(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600, flush: true })
  if (user) for (const path of [half, passwordFile]) chownSync(path, user.uid, user.gid)
  const making = run(
    join(binaries, 'bin', 'initdb'),
    ['-D', half, '-U', 'anlin', '-E', 'UTF8', '--locale=C', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`],
    { ...asUser(user), cwd: '/', signal: ending },
  )
  onMaking()
  await making
  rmSync(data, { recursive: true, force: true })
  renameSync(half, data)
}

async function refuseOtherMajor(data: string, binaries: string, user: DatabaseUser | null): Promise<void> {
  const has = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim()
  const { stdout } = await run(join(binaries, 'bin', 'postgres'), ['--version'], { ...asUser(user), cwd: '/' })
  const runs = /(\d+)\./.exec(stdout)?.[1]
  if (has !== runs)
    throw new Error(`${data} was written by PostgreSQL ${has}, this is ${runs}: move it aside or use that version`)
}

export function asUser(user: DatabaseUser | null): { uid?: number; gid?: number } {
  return user ? { uid: user.uid, gid: user.gid } : {}
}
