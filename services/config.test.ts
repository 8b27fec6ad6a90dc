import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig } from './config.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

const ROOT = '/srv/anlin'
const KEY = 'k'.repeat(32)

test('without a single setting the demo runs on this machine alone', () => {
  const config = readConfig({}, ROOT)
  expect(config).toMatchObject({
    production: false,
    http: { host: '127.0.0.1', port: 8080, trustProxy: [] },
    mqtt: { host: '127.0.0.1', port: 1883, tlsPort: null, ratePerAccount: 50 },
    databaseUrl: null,
    redisUrl: null,
    influx: null,
    twilio: null,
  })
})

test.each([
  [{ HTTP_PORT: '80a' }, 'HTTP_PORT: got "80a", expected a whole number from 0 to 65535'],
  [{ MQTT_RATE_PER_ACCOUNT: '0' }, 'MQTT_RATE_PER_ACCOUNT: got "0", expected a whole number from 1 to 1000'],
  [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL: got "loud", expected one of fatal, error, warn, info, debug, trace, silent'],
  [{ INFLUX_URL: 'http://localhost:8086' }, 'INFLUX_BUCKET: got nothing, expected a value, because INFLUX_URL is set'],
  [
    { TRUST_PROXY: 'loopback, everybody' },
    'TRUST_PROXY: got "loopback, everybody", expected addresses or ranges (10.0.0.0/8), loopback or uniquelocal, by commas',
  ],
  [{ TRUST_PROXY: '0.0.0.0/0' }, 'TRUST_PROXY: got "0.0.0.0/0", expected addresses or ranges'],
  [{ TWILIO_ACCOUNT_SID: 'mine' }, 'TWILIO_ACCOUNT_SID: got "mine", expected AC and 32 hex digits'],
  [{ TLS_CERT: '/nowhere.pem' }, 'TLS_CERT: got "/nowhere.pem", expected a file that can be read'],
  [{ NODE_ENV: 'production' }, 'SESSION_KEY: got nothing, expected at least 32 characters, for NODE_ENV=production'],
  [
    { NODE_ENV: 'production', SESSION_KEY: KEY, DATA_KEY: KEY, PUBLIC_URL: 'https://care.example' },
    'TWILIO_ACCOUNT_SID: got nothing, expected an SMS provider, or nobody can be told, for NODE_ENV=production',
  ],
])('%j stops the start with one line that says why', (environment, line) => {
  expect(() => readConfig(environment, ROOT)).toThrow(line)
})

test('a secret may come from a file, as container platforms hand it over', () => {
  const file = join(temporaryFolder('secret'), 'data_key')
  writeFileSync(file, `${KEY}\n`)
  expect(readConfig({ DATA_KEY_FILE: file }, ROOT).dataKey).toBe(KEY)
  expect(() => readConfig({ DATA_KEY_FILE: '/nowhere' }, ROOT)).toThrow('DATA_KEY_FILE: got "/nowhere"')
})

test('a wrong secret or address with a password in it is not quoted back', () => {
  expect(() => readConfig({ SESSION_KEY: 'hunter2' }, ROOT)).toThrow(
    /^(?!.*hunter2)SESSION_KEY: got a value that is not shown/,
  )
  expect(() => readConfig({ DATABASE_URL: 'mysql://u:hunter2@h/d' }, ROOT)).toThrow(/^(?!.*hunter2)DATABASE_URL/)
})
