import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './platform-process.ts'

/** A real InfluxDB 1.6 on a port and in a folder of its own. It can be killed, frozen and started again on its data. */
export type Influxd = {
  address: { url: string; token: string; org: string; bucket: string; api: 'v1' }
  /** Starts it again after `kill`. */
  start(): Promise<void>
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>
  freeze(): void
  thaw(): void
  close(): Promise<void>
  /** A statement of the administrator's. */
  ask(statement: string): Promise<string>
}

const BUCKET = 'care'
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/bin']
const program = FOLDERS.map((folder) => join(folder, 'influxd')).find((path) => existsSync(path))

/** Whether the stories that need it can be told here; where they are expected, as in CI, they are told and fail. */
export const hasInfluxd = program !== undefined || process.env.CI !== undefined
if (!hasInfluxd)
  process.stderr.write(
    '\nNOT TESTED: no influxd on this machine, so InfluxDB is left out (apt-get install influxdb)\n\n',
  )

export async function startInfluxd(): Promise<Influxd> {
  if (program === undefined) throw new Error('influxd is not installed: apt-get install influxdb')
  const folder = mkdtempSync(join(tmpdir(), 'anlin-influx-'))
  const [httpPort, rpcPort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${httpPort}`
  const configFile = join(folder, 'influxdb.conf')
  writeFileSync(configFile, configText(folder, httpPort, rpcPort))
  let child: ChildProcess | null = null

  async function ask(statement: string): Promise<string> {
    const answer = await fetch(`${url}/query`, {
      method: 'POST',
      body: new URLSearchParams({ q: statement, db: BUCKET }),
    })
    return answer.text()
  }
  async function start(): Promise<void> {
    child = spawn(program as string, ['-config', configFile], { stdio: 'ignore' })
    for (;;) {
      if (child.exitCode !== null) throw new Error(`influxd ended with ${child.exitCode}`)
      const ready = await fetch(`${url}/ping`).then(
        ({ status }) => status === 204,
        () => false,
      )
      if (ready) return
      await sleep(25)
    }
  }
  async function kill(): Promise<void> {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  await start()
  await ask(`CREATE DATABASE ${BUCKET}`)
  return {
    address: { url, token: '', org: '', bucket: BUCKET, api: 'v1' },
    start,
    kill,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async close() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
    ask,
  }
}

function configText(folder: string, httpPort: number, rpcPort: number): string {
  return `reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
  dir = "${folder}/meta"
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
  index-version = "inmem"
  max-values-per-tag = 5000
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${httpPort}"
  log-enabled = false
  max-body-size = 100000
[logging]
  level = "error"
`
}
