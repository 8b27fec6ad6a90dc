import { execFile } from 'node:child_process'
import { join } from 'node:path'

const REPLAY = join(import.meta.dirname, '..', '..', 'services', 'replay.ts')
const REPLAY_LIMIT_MS = 120_000

/** Replays what stands on record in the folder, as `npm run replay` does. @returns what differs, in words; null: nothing */
export function replayRecord(folder: string): Promise<string | null> {
  const options = { env: { PATH: process.env.PATH, ANLIN_DATA: folder }, timeout: REPLAY_LIMIT_MS }
  return new Promise((done) => {
    execFile(process.execPath, [REPLAY], options, (error, stdout, stderr) => {
      done(error === null ? null : `the record replayed is not the same:\n${stdout}${stderr}`)
    })
  })
}
