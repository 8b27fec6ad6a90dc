import { flushCompileCache } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Config, ConfigError, ownConfig, type TwilioConfig } from './config.ts'
import { type DemoAddresses, type DemoPeople, prepareDemo, refuseDemoOnRealPhones, writeDemoFile } from './demo.ts'
import { type DemoWorld, startDemoWorld } from './demo-world.ts'
import { openFoundation } from './foundation.ts'
import { settleGarbageCollection } from './heap.ts'
import { loadIngestThread } from './ingest-thread.ts'
import { createLifecycle, endOnSignals, type Lifecycle } from './lifecycle.ts'
import { createLog } from './log.ts'
import { ROLES, type Role } from './roles.ts'

const ROOT = join(import.meta.dirname, '..')
const HELP = `node services/main.ts [all | ${ROLES.join(' | ')}]...

Without a role: all of them in this one process. Settings come from the environment and from .env (see .env.example).
`

/** The phones' account when they are the demo's own; it opens nothing else. */
const DEMO_SMS = { accountSid: `AC${'0'.repeat(32)}`, authToken: 'simulator', from: '+8615500000000' }

async function main(): Promise<void> {
  settleGarbageCollection()
  const roles = readRoles(process.argv.slice(2))
  const config = ownConfig(ROOT)
  const log = createLog({ level: config.logLevel, pretty: process.stdout.isTTY })
  const lifecycle = createLifecycle(log)
  endOnSignals(lifecycle, log)
  try {
    await start(config, roles, { log, lifecycle })
    // Where it keeps what it has compiled (NODE_COMPILE_CACHE) Node does so at its end, and who is killed has none.
    flushCompileCache()
  } catch (error) {
    await lifecycle.end('start failed')
    throw error
  }
}

async function start(
  config: Config,
  roles: ReadonlySet<Role>,
  parts: { log: ReturnType<typeof createLog>; lifecycle: Lifecycle },
): Promise<void> {
  const { log, lifecycle } = parts
  const alone = roles.size === ROLES.length
  if (!alone && !config.databaseUrl) {
    throw new ConfigError(
      'DATABASE_URL',
      undefined,
      'an address of PostgreSQL, because the roles run in several processes',
    )
  }
  refuseDemoOnRealPhones(config)
  const world = !config.production && alone ? startDemoWorld(ROOT, config.compileCache) : null
  if (world) lifecycle.onEnd('simulators', () => world.end())
  const ingestThread = roles.has('ingest') && roles.size > 1 ? loadIngestThread() : null
  if (ingestThread) lifecycle.onEnd('ingest thread', () => ingestThread.close())
  // Most of a second of this thread: after a crash nobody is heard until the entrance is open, and the database recovers meanwhile.
  // A failure is told by the import below.
  const meanwhile = () => void import('./platform.ts').catch(() => undefined)
  const foundation = await openFoundation(config, { log, lifecycle, alone, meanwhile })
  const httpPort = config.http.port === 0 ? await freePort(config.http.host) : config.http.port
  const phones = world && !config.twilio ? await openPhones(world, config) : null
  const twilio = config.twilio ?? phones
  if (!twilio) throw new ConfigError('TWILIO_ACCOUNT_SID', undefined, 'an SMS provider, or nobody can be told')
  const publicUrl = config.publicUrl ?? `http://127.0.0.1:${httpPort}`
  const addresses = { httpPort, publicUrl, phones: world ? twilio.apiUrl : null }
  const people = world ? await prepareDemo(foundation.pool, foundation.sealing, config.dataFolder) : null
  const { startRoles } = await import('./platform.ts')
  const { mqttUrl } = await startRoles(roles, { foundation, lifecycle, addresses, twilio, ingestThread })
  if (world && people && mqttUrl) {
    const wires = { http: publicUrl, mqtt: mqttUrl, smsGateway: twilio.apiUrl }
    openDemo({ world, people, dataFolder: config.dataFolder, hasOwnPhones: phones !== null }, wires)
  } else {
    log.info({ roles: [...roles], http: addresses.httpPort, mqtt: mqttUrl }, 'ready')
  }
}

async function openPhones(world: DemoWorld, config: Config): Promise<TwilioConfig> {
  const { accountSid, authToken, from } = DEMO_SMS
  const { url } = await world.openPhones({
    port: config.smsGatewayPort,
    host: '127.0.0.1',
    accountSid,
    authToken,
    fromNumber: from,
  })
  return { ...DEMO_SMS, apiUrl: url }
}

type Demo = { world: DemoWorld; people: DemoPeople; dataFolder: string; hasOwnPhones: boolean }

function openDemo({ world, people, dataFolder, hasOwnPhones }: Demo, addresses: DemoAddresses): void {
  const path = writeDemoFile(dataFolder, people, addresses)
  world.wakeHomes(path, hasOwnPhones ? `${addresses.http}/webhooks/twilio/incoming-message` : null)
  const logins = people.users.map(({ login, password, role }) => `  ${login.padEnd(12)} ${password}  (${role})`)
  process.stdout.write(`
安邻 Anlin is ready.
  start page   ${addresses.http}/
  family page  ${addresses.http}/family/
  duty desk    ${addresses.http}/desk/
  phones       ${addresses.smsGateway}/
  MQTT         ${addresses.mqtt}
  data         ${dataFolder}
logins
${logins.join('\n')}
try
  npm run sim -- sos          press the bathroom button of the first home, then answer 1 on a phone
  npm run sim -- --list       what else can happen
  Ctrl-C                      ends everything; the next start goes on where this one was

`)
}

function readRoles(names: string[]): ReadonlySet<Role> {
  if (names.includes('--help') || names.includes('-h')) {
    process.stdout.write(HELP)
    process.exit(0)
  }
  if (names.length === 0 || names.includes('all')) return new Set(ROLES)
  return new Set(
    names.map((name) => {
      const role = ROLES.find((known) => known === name)
      if (!role) throw new Error(`no role is called ${name}\n${HELP}`)
      return role
    }),
  )
}

/** Asked for any free port, we still have to know it before the first message with a link in it goes out. */
function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, host, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** One line for what a person can mend; the stack only for what we have to. */
function lastWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && error.code === 'EADDRINUSE' && 'port' in error) {
    return `port ${error.port} is taken by another program: end that one, or set HTTP_PORT or MQTT_PORT (0 = any free port)`
  }
  const isTheirs = /^(another platform|the database|the SMS gateway simulator|no role)/.test(error.message)
  return error instanceof ConfigError || isTheirs ? error.message : (error.stack ?? error.message)
}

main().catch((error) => {
  process.stderr.write(`anlin: ${lastWords(error)}\n`)
  process.exit(1)
})
