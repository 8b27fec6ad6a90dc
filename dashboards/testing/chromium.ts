import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

/** Debian's package without windows opens a page in less than half the time; macOS has only the whole browser. */
const PROGRAMS = ['chromium-headless-shell', 'chromium']
const FOLDERS = (process.env.PATH ?? '').split(delimiter)
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A real Chromium without a window. @throws when none of its programs is on the path */
export function launchChromium(): Promise<Browser> {
  const found = PROGRAMS.flatMap((name) => FOLDERS.map((folder) => join(folder, name))).find((path) => existsSync(path))
  if (!found) throw new Error(`none of ${PROGRAMS.join(', ')} is on the path`)
  return chromium.launch({ executablePath: found, args: ARGUMENTS })
}
