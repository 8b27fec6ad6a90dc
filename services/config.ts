import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join, resolve } from 'node:path'

/** All settings, read once from the environment. Each is checked here, so that nothing later meets a wrong one. */
export type Config = {
  production: boolean
  dataFolder: string
  /** `trustProxy`: whose X-Forwarded-For is believed; empty: nobody's. */
  http: { host: string; port: number; trustProxy: string[] }
  mqtt: { host: string; port: number; tlsPort: number | null; ratePerAccount: number }
  tls: { certFile: string; keyFile: string } | null
  smsGatewayPort: number
  publicUrl: string | null
  databaseUrl: string | null
  redisUrl: string | null
  influx: InfluxConfig | null
  twilio: TwilioConfig | null
  /** null: made once and kept in the data folder (demo only). */
  sessionKey: string | null
  dataKey: string | null
  logLevel: string
  /** Set by systemd where it watches us. */
  notifySocket: string | null
  /** Where Node keeps what it has compiled, for the processes that we start; null: nowhere. */
  compileCache: string | null
}
type InfluxConfig = { url: string; token: string; org: string; bucket: string; api: 'v1' | 'v2' }
export type TwilioConfig = { accountSid: string; authToken: string; from: string; apiUrl: string }

/** A setting that is not what it should be: one line that names it, what it got, and what it expects. */
export class ConfigError extends Error {
  readonly code = 'wrong-setting'
  constructor(name: string, got: string | undefined, expected: string, secret = false) {
    const shown = got === undefined ? 'nothing' : secret ? 'a value that is not shown' : JSON.stringify(got)
    super(`${name}: got ${shown}, expected ${expected}`)
  }
}

type Environment = Record<string, string | undefined>

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
const KEY_MINIMUM = 32

/** What this process was given, and what its checkout's .env says besides. @throws {ConfigError} at the first wrong setting */
export function ownConfig(root: string): Config {
  const file = join(root, '.env')
  if (existsSync(file)) process.loadEnvFile(file)
  return readConfig(process.env, root)
}

/** @throws {ConfigError} at the first wrong setting */
export function readConfig(environment: Environment, root: string): Config {
  const read = reader(environment)
  const production = environment.NODE_ENV === 'production'
  const host = production ? '0.0.0.0' : '127.0.0.1'
  const tls = readTls(read)
  const databaseUrl = read.url('DATABASE_URL', ['postgres:', 'postgresql:'])
  const redisUrl = read.url('REDIS_URL', ['redis:', 'rediss:'])
  const config: Config = {
    production,
    dataFolder: resolve(read.text('ANLIN_DATA') ?? defaultDataFolder(root)),
    http: { host: read.text('HTTP_HOST') ?? host, port: read.port('HTTP_PORT', 8080), trustProxy: readProxies(read) },
    mqtt: {
      host: read.text('MQTT_HOST') ?? host,
      port: read.port('MQTT_PORT', 1883),
      tlsPort: tls ? read.port('MQTTS_PORT', 8883) : null,
      ratePerAccount: read.integer('MQTT_RATE_PER_ACCOUNT', 50, 1, 1_000),
    },
    tls,
    smsGatewayPort: read.port('SMS_GATEWAY_PORT', 8090),
    publicUrl: read.url('PUBLIC_URL', ['http:', 'https:'])?.replace(/\/+$/, '') ?? null,
    databaseUrl,
    redisUrl,
    influx: readInflux(read),
    twilio: readTwilio(read),
    sessionKey: read.key('SESSION_KEY'),
    dataKey: read.key('DATA_KEY'),
    logLevel: read.choice('LOG_LEVEL', LOG_LEVELS, 'info'),
    notifySocket: read.text('NOTIFY_SOCKET') ?? null,
    compileCache: read.text('NODE_COMPILE_CACHE') ?? null,
  }
  if (production) requireForProduction(config)
  return config
}

function requireForProduction(config: Config): void {
  const missing = (name: string, expected: string) =>
    new ConfigError(name, undefined, `${expected}, for NODE_ENV=production`)
  if (!config.sessionKey) throw missing('SESSION_KEY', `at least ${KEY_MINIMUM} characters`)
  if (!config.dataKey) throw missing('DATA_KEY', `at least ${KEY_MINIMUM} characters`)
  if (!config.publicUrl) throw missing('PUBLIC_URL', 'the address under which people reach this platform')
  if (!config.twilio) throw missing('TWILIO_ACCOUNT_SID', 'an SMS provider, or nobody can be told')
}

function reader(environment: Environment) {
  // NAME_FILE names a file with the value: how container platforms hand over secrets.
  const text = (name: string) => {
    const value = environment[name]?.trim()
    if (value) return value
    const file = environment[`${name}_FILE`]?.trim()
    return file ? readSecretFile(`${name}_FILE`, file) : undefined
  }
  const integer = (name: string, fallback: number, least: number, most: number): number => {
    const value = text(name)
    if (value === undefined) return fallback
    const number = Number(value)
    if (!/^\d+$/.test(value) || number < least || number > most) {
      throw new ConfigError(name, value, `a whole number from ${least} to ${most}`)
    }
    return number
  }
  return {
    text,
    integer,
    port: (name: string, fallback: number) => integer(name, fallback, 0, 65_535),
    url(name: string, protocols: string[]): string | null {
      const value = text(name)
      if (value === undefined) return null
      const parsed = URL.canParse(value) ? new URL(value) : null
      // An address may carry a password, so it is not quoted back.
      if (!parsed || !protocols.includes(parsed.protocol)) {
        throw new ConfigError(name, value, `an address beginning with ${protocols.join('// or ')}//`, true)
      }
      return value
    },
    choice<T extends string>(name: string, choices: readonly T[], fallback: T): T {
      const value = text(name)
      if (value === undefined) return fallback
      const found = choices.find((choice) => choice === value)
      if (!found) throw new ConfigError(name, value, `one of ${choices.join(', ')}`)
      return found
    },
    key(name: string): string | null {
      const value = text(name)
      if (value === undefined) return null
      if (value.length < KEY_MINIMUM) throw new ConfigError(name, value, `at least ${KEY_MINIMUM} characters`, true)
      return value
    },
    required(name: string, because: string): string {
      const value = text(name)
      if (value === undefined) throw new ConfigError(name, undefined, `a value, because ${because} is set`)
      return value
    },
    file(name: string): string | null {
      const value = text(name)
      if (value === undefined) return null
      try {
        accessSync(value, constants.R_OK)
      } catch {
        throw new ConfigError(name, value, 'a file that can be read')
      }
      return value
    },
  }
}
type Reader = ReturnType<typeof reader>

function readSecretFile(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    throw new ConfigError(name, file, 'a file that can be read')
  }
}

/** Everybody cannot be a proxy: anyone could then name any address, and no limit on an address would hold. */
function readProxies(read: Reader): string[] {
  const value = read.text('TRUST_PROXY')
  const proxies = value?.split(',').map((proxy) => proxy.trim()) ?? []
  for (const proxy of proxies) {
    const [address = '', bits, ...more] = proxy.split('/')
    const most = isIP(address) === 6 ? 128 : 32
    const isRange = isIP(address) !== 0 && (bits === undefined || (/^\d+$/.test(bits) && +bits > 0 && +bits <= most))
    if (more.length > 0 || !(isRange || ['loopback', 'linklocal', 'uniquelocal'].includes(proxy))) {
      throw new ConfigError(
        'TRUST_PROXY',
        value,
        'addresses or ranges (10.0.0.0/8), loopback or uniquelocal, by commas',
      )
    }
  }
  return proxies
}

function readTls(read: Reader): Config['tls'] {
  const certFile = read.file('TLS_CERT')
  const keyFile = read.file('TLS_KEY')
  if (certFile && keyFile) return { certFile, keyFile }
  if (certFile) throw new ConfigError('TLS_KEY', undefined, 'a file, because TLS_CERT is set')
  if (keyFile) throw new ConfigError('TLS_CERT', undefined, 'a file, because TLS_KEY is set')
  return null
}

function readInflux(read: Reader): InfluxConfig | null {
  const url = read.url('INFLUX_URL', ['http:', 'https:'])
  if (!url) return null
  return {
    url,
    token: read.text('INFLUX_TOKEN') ?? '',
    org: read.text('INFLUX_ORG') ?? '',
    bucket: read.required('INFLUX_BUCKET', 'INFLUX_URL'),
    api: read.choice('INFLUX_API', ['v1', 'v2'], 'v2'),
  }
}

function readTwilio(read: Reader): TwilioConfig | null {
  const accountSid = read.text('TWILIO_ACCOUNT_SID')
  if (!accountSid) return null
  if (!/^AC[0-9a-f]{32}$/.test(accountSid))
    throw new ConfigError('TWILIO_ACCOUNT_SID', accountSid, 'AC and 32 hex digits')
  return {
    accountSid,
    authToken: read.required('TWILIO_AUTH_TOKEN', 'TWILIO_ACCOUNT_SID'),
    from: read.required('TWILIO_FROM', 'TWILIO_ACCOUNT_SID'),
    apiUrl: read.url('TWILIO_API_URL', ['http:', 'https:']) ?? 'https://api.twilio.com',
  }
}

/** As root the database runs as another user, who cannot look into a closed home directory; so its data lies outside. */
function defaultDataFolder(root: string): string {
  if (process.getuid?.() !== 0) return join(root, '.data')
  const checkout = createHash('sha256').update(root).digest('hex').slice(0, 8)
  return `/var/lib/anlin/${checkout}`
}
