import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config } from './config.ts'

export type Keys = { sessionKey: string; dataKey: string }

const KEY_BYTES = 32

export function needsKeysMade({ sessionKey, dataKey }: Config): boolean {
  return !sessionKey || !dataKey
}

/** The keys of the environment; in the demo those that were made once and are kept beside its data. */
export function readKeys(config: Config): Keys {
  if (config.sessionKey && config.dataKey) return { sessionKey: config.sessionKey, dataKey: config.dataKey }
  const made = demoKeys(join(config.dataFolder, 'keys.json'))
  return { sessionKey: config.sessionKey ?? made.sessionKey, dataKey: config.dataKey ?? made.dataKey }
}

function demoKeys(path: string): Keys {
  const make = () => randomBytes(KEY_BYTES).toString('base64url')
  if (!existsSync(path)) keep(path, JSON.stringify({ sessionKey: make(), dataKey: make() }))
  return JSON.parse(readFileSync(path, 'utf8')) as Keys
}

/**
 * Keeps it whole and on disk, or not at all: what was sealed with a key that a power cut takes away stays sealed for
 * ever. Of two starts at once the first one's keys count for both.
 */
function keep(path: string, text: string): void {
  const half = `${path}.${process.pid}`
  writeFileSync(half, text, { mode: 0o600, flush: true })
  try {
    linkSync(half, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(half)
  }
  const folder = openSync(dirname(path), 'r')
  fsyncSync(folder)
  closeSync(folder)
}
