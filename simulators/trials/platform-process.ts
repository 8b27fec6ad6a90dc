import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type SmsGateway, startSmsGateway } from '../sms-gateway/gateway.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const READY_LIMIT_MS = 150_000
const END_LIMIT_MS = 30_000
/** Below what Linux and macOS give to whoever asks for any port. */
const PORTS = { from: 10_000, to: 32_000 }
const PORT_TRIES = 50
const ACCOUNT = { accountSid: `AC${'0'.repeat(32)}`, authToken: 'simulator', fromNumber: '+8615500000000' }
/** Of what a process said, so much is kept to explain a failure. */
const OUTPUT_KEPT = 20_000

type DemoContact = { name: string; role: string; phone: string }
export type DemoDevice = { id: string; kind: string; username: string; password: string }
export type DemoFile = {
  http: string
  mqtt: string
  smsGateway: string
  users: { role: string; login: string; password: string }[]
  homes: { id: string; gridCell: string; contacts: DemoContact[]; devices: DemoDevice[] }[]
  staff: { name: string; role: string; phone: string; gridCell: string | null; onCall: boolean }[]
}

/**
 * A platform as an operator runs it: its own processes, its own folder, its own ports, which stay the same over its
 * restarts. The phones stand outside, so that they remember what came while the platform was down.
 */
export type PlatformUnderTrial = {
  folder: string
  phones: SmsGateway
  ports: { http: number; mqtt: number }
  /** Starts the roles in one process; ready when the entrance takes connections. */
  start(roles?: string[], settings?: Record<string, string>): Promise<RunningPlatform>
  demo(): DemoFile
  /** Address of the embedded database, for roles in processes of their own. */
  databaseUrl(): string
  /** Process id of the embedded database; null while none is running. */
  postmasterPid(): number | null
  /** Ends what still runs and removes the folder. */
  destroy(): Promise<void>
}

type Speaking = { output(): string; exited: Promise<number | null> }
export type RunningPlatform = Speaking & {
  pid: number
  /** SIGTERM, and the exit code. */
  end(): Promise<number | null>
  /** SIGKILL: like a pulled plug for this process. */
  kill(): Promise<void>
}

export async function preparePlatform(
  settings: Record<string, string> = {},
  folder = mkdtempSync(join(tmpdir(), 'anlin-trial-')),
): Promise<PlatformUnderTrial> {
  const phones = await startSmsGateway({ ...ACCOUNT, deliveryTimes: { sentAfterMs: 5, deliveredAfterMs: 10 } })
  const ports = { http: await freePort(), mqtt: await freePort() }
  const incoming = `http://127.0.0.1:${ports.http}/webhooks/twilio/incoming-message`
  phones.setIncomingWebhookUrl(incoming)
  const running = new Set<RunningPlatform>()
  const environment = {
    PATH: process.env.PATH ?? '',
    // As `npm start` has it.
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'node'),
    ANLIN_DATA: folder,
    HTTP_PORT: String(ports.http),
    MQTT_PORT: String(ports.mqtt),
    TWILIO_ACCOUNT_SID: ACCOUNT.accountSid,
    TWILIO_AUTH_TOKEN: ACCOUNT.authToken,
    TWILIO_FROM: ACCOUNT.fromNumber,
    TWILIO_API_URL: phones.url,
    ...settings,
  }
  const postmasterPid = () => {
    const file = join(folder, 'postgres', 'postmaster.pid')
    const pid = Number(readIfThere(file).split('\n')[0])
    return pid && isAlive(pid) ? pid : null
  }
  return {
    folder,
    phones,
    ports,
    async start(roles = ['all'], more = {}) {
      const own = { ...environment, ...more }
      const platform = launch(roles, own)
      running.add(platform)
      void platform.exited.then(() => running.delete(platform))
      await untilTaken(
        platform,
        roles.includes('all') || roles.includes('ingest') ? Number(own.MQTT_PORT) : Number(own.HTTP_PORT),
      )
      // It tells where everything is after it has opened its ports.
      if (roles.includes('all')) await until(platform, async () => existsSync(join(folder, 'demo.json')))
      return platform
    },
    demo: () => JSON.parse(readFileSync(join(folder, 'demo.json'), 'utf8')) as DemoFile,
    databaseUrl: () => {
      const password = readFileSync(join(folder, 'postgres.password'), 'utf8').trim()
      return `postgres://anlin:${password}@localhost/anlin?host=${encodeURIComponent(join(folder, 'socket'))}`
    },
    postmasterPid,
    async destroy() {
      await Promise.all([...running].map((platform) => platform.end()))
      await endPostmaster(postmasterPid())
      await phones.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function launch(roles: string[], environment: Record<string, string>): RunningPlatform {
  const child: ChildProcess = spawn(process.execPath, ['services/main.ts', ...roles], {
    cwd: ROOT,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk).slice(-OUTPUT_KEPT)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  let ending = false
  const exited = once(child, 'exit').then(([code]) => {
    // Whatever is killed around it, a platform that nobody ended must not end, and one that fails tells its last words.
    if (!ending && code !== 0) process.stderr.write(`the platform ended by itself with code ${code}:\n${output}\n`)
    return code as number | null
  })
  return {
    pid: child.pid ?? 0,
    output: () => output,
    exited,
    async end() {
      ending = true
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS)
      const code = await exited
      clearTimeout(timer)
      return code
    },
    async kill() {
      ending = true
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Waits until a process takes connections on this port. @throws with what it said when it ends before, or takes too long */
export function untilTaken(platform: Speaking, port: number): Promise<void> {
  return until(platform, () => takesConnections(port))
}

async function until(platform: Speaking, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + READY_LIMIT_MS
  let ended = false
  void platform.exited.then(() => {
    ended = true
  })
  while (!(await isSo())) {
    if (ended || performance.now() > deadline) throw new Error(`the platform did not come up:\n${platform.output()}`)
    await sleep(25)
  }
}

export function takesConnections(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      done(true)
    })
    socket.once('error', () => done(false))
  })
}

/** After our kill -9 the embedded database lives on, as it should; the trial's own end takes it along. */
async function endPostmaster(pid: number | null): Promise<void> {
  if (pid === null) return
  process.kill(pid, 'SIGINT')
  for (let waited = 0; waited < 200 && isAlive(pid); waited++) await sleep(50)
}

/** Free now, and not one that the system gives to whoever asks for any: between two starts it stays free. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES; tries++) {
    const port = randomInt(PORTS.from, PORTS.to)
    const server = createServer().listen(port, '127.0.0.1')
    // Whoever waits for one event hears of an error as well.
    const isFree = await once(server, 'listening').catch(() => null)
    await new Promise((closed) => server.close(closed))
    if (isFree !== null) return port
  }
  throw new Error(`no free port from ${PORTS.from} to ${PORTS.to} in ${PORT_TRIES} tries`)
}
