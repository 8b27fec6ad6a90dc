import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * The sockets in the wall. A scenario that plays a device (or pulls its plug) says so in a file beside `demo.json`, and
 * the simulated homes leave that device alone meanwhile: otherwise a bed would be empty and occupied at once.
 */
const FILE_NAME = 'sim-plugs.json'
/** How soon the homes see a change. */
export const PLUGS_SEEN_WITHIN_MS = 1000

/** `silent`: connected, says nothing. `unplugged`: gone without a word, so that its last will is spoken. */
export type Plug = 'silent' | 'unplugged'
export type HeldDevice = { homeId: string; deviceId: string; plug: Plug; untilMs: number }

function plugsFile(demoPath: string): string {
  return join(dirname(demoPath), FILE_NAME)
}

/** What is held at `nowMs`; a scenario that was killed lets go by itself when its time is over. */
export function readPlugs(demoPath: string, nowMs: number): HeldDevice[] {
  try {
    const held = JSON.parse(readFileSync(plugsFile(demoPath), 'utf8')) as HeldDevice[]
    return held.filter((device) => device.untilMs > nowMs)
  } catch {
    return []
  }
}

function writePlugs(demoPath: string, held: HeldDevice[]): void {
  const path = plugsFile(demoPath)
  if (held.length === 0) {
    rmSync(path, { force: true })
    return
  }
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, JSON.stringify(held), { mode: 0o600 })
  renameSync(draft, path)
}

/** Holds these devices; the function it returns lets go of them. */
export function holdDevices(demoPath: string, devices: HeldDevice[], nowMs = Date.now()): () => void {
  const isMine = (held: HeldDevice) =>
    devices.some((mine) => mine.homeId === held.homeId && mine.deviceId === held.deviceId)
  writePlugs(demoPath, [...readPlugs(demoPath, nowMs).filter((held) => !isMine(held)), ...devices])
  return () =>
    writePlugs(
      demoPath,
      readPlugs(demoPath, Date.now()).filter((held) => !isMine(held)),
    )
}
