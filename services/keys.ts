import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.ts'

export type Keys = { sessionKey: string; dataKey: string }

const KEY_BYTES = 32

/** The keys of the environment; in the demo those that were made once and are kept beside its data. */
export function readKeys(config: Config): Keys {
  if (config.sessionKey && config.dataKey) return { sessionKey: config.sessionKey, dataKey: config.dataKey }
  const made = demoKeys(join(config.dataFolder, 'keys.json'))
  return { sessionKey: config.sessionKey ?? made.sessionKey, dataKey: config.dataKey ?? made.dataKey }
}

function demoKeys(path: string): Keys {
  const make = () => randomBytes(KEY_BYTES).toString('base64url')
  try {
    // Written only where there is none: two starts at once agree on the first one's keys.
    writeFileSync(path, JSON.stringify({ sessionKey: make(), dataKey: make() }), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  return JSON.parse(readFileSync(path, 'utf8')) as Keys
}
