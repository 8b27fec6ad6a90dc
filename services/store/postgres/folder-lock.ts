import { rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'

/** A path of a Unix socket may have 103 bytes on macOS, 107 on Linux, the file name included. */
const SOCKET_FOLDER_LIMIT = 80

/** Where a socket that belongs to `folder` lies: in it, or in a short place where the folder's own path is too long. */
export function socketPath(folder: string, name: string): string {
  return folder.length <= SOCKET_FOLDER_LIMIT ? join(folder, name) : `/tmp/anlin-${shortHash(folder)}-${name}`
}

/**
 * One platform per folder. The lock is a listening socket: the kernel gives it back however its holder ends, which a
 * file with a process id in it cannot promise.
 */
export async function lockFolder(folder: string): Promise<Server> {
  const path =
    folder.length <= SOCKET_FOLDER_LIMIT ? join(folder, 'platform.lock') : `/tmp/anlin-${shortHash(folder)}.lock`
  const taken = new Error(`another platform is running on ${folder}: stop it, or set ANLIN_DATA to another folder`)
  for (let attempt = 0; attempt < 2; attempt++) {
    const server = createServer((socket) => socket.destroy())
    const bound = await new Promise<boolean>((done) => {
      server.once('error', () => done(false))
      server.listen(path, () => done(true))
    })
    if (bound) return server.unref()
    if (await answers(path)) throw taken
    rmSync(path, { force: true })
  }
  throw taken
}

function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path)
    socket.once('connect', () => done(true))
    socket.once('error', () => done(false))
    socket.once('close', () => done(false))
  }).then((yes) => Boolean(yes))
}

function shortHash(text: string): string {
  let hash = 0
  for (const char of text) hash = (Math.imul(hash, 31) + (char.codePointAt(0) ?? 0)) | 0
  return (hash >>> 0).toString(36)
}
