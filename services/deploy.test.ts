import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { freePort } from '../simulators/trials/platform-process.ts'
import { readConfig } from './config.ts'
import { ROLES } from './roles.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

/** What can be held of the production files without a Docker engine: the specification's own schema, shape, pins, secrets, ports, and HAProxy's own check. */

type Service = {
  image?: string
  command?: string[]
  ports?: string[]
  environment?: Record<string, string>
  secrets?: string[]
  healthcheck?: unknown
  restart?: string
  build?: string
  deploy?: { replicas: number }
}

const root = join(import.meta.dirname, '..')
const compose = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  services: Record<string, Service>
  secrets: Record<string, { file: string }>
}
const services = Object.entries(compose.services)

test('the compose file keeps to the schema of the Compose Specification', () => {
  const file = join(import.meta.dirname, 'testing', 'contract', 'compose-spec.json')
  // Its $schema is an address for editors, with another protocol than the one that Ajv knows the draft by.
  const { $schema, ...contract } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  expect($schema).toBe('https://json-schema.org/draft-07/schema')
  const validate = new Ajv({ allErrors: true, strict: false }).compile(contract)
  validate(compose)
  expect(validate.errors).toBeNull()
})

test('every role runs, two ingests behind the balancer, each restarted always', () => {
  const roles = services.filter(([, { build }]) => build).map(([name, { command }]) => [name, command])
  expect(roles.sort()).toEqual(ROLES.map((role) => [role, [role]]).sort())
  expect(compose.services.ingest?.deploy?.replicas).toBe(2)
  expect(services.filter(([, { restart }]) => restart !== 'always')).toEqual([])
})

test('images are pinned to a version, and whatever is no role of ours says how its health is seen', () => {
  const bare = services.filter(([, { build }]) => !build)
  for (const [name, { image, healthcheck }] of bare) {
    expect(image, name).toMatch(/:\d+\.\d+(\.\d+)?$/)
    expect(healthcheck, name).toBeDefined()
  }
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8')
  expect(dockerfile).toContain('HEALTHCHECK')
  expect([...dockerfile.matchAll(/^FROM (\S+)/gm)].map((match) => match[1])).toEqual(
    Array(2).fill(expect.stringMatching(/^node:\d+\.\d+\.\d+-/)),
  )
})

test('the image runs only scripts that package.json has', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const named = [...readFileSync(join(root, 'Dockerfile'), 'utf8').matchAll(/npm run (\S+)/g)].map((match) => match[1])
  expect(named.length).toBeGreaterThan(0)
  expect(named.filter((name) => !name || !(name in scripts))).toEqual([])
})

test('only the balancer has ports outside, and every secret is a file', () => {
  expect(services.filter(([, { ports }]) => ports).map(([name]) => name)).toEqual(['balancer'])
  for (const [name, { secrets = [], environment = {} }] of services) {
    for (const secret of secrets) expect(compose.secrets[secret]?.file, name).toBe(`./secrets/${secret}`)
    const inline = Object.keys(environment).filter((key) => /(KEY|TOKEN|PASSWORD|DATABASE_URL)$/.test(key))
    expect(inline, name).toEqual([])
  }
})

test('the settings of a role are settings the platform knows and takes', () => {
  const folder = temporaryFolder('compose')
  const given: Record<string, string> = {
    database_url: 'postgres://anlin:x@database/anlin',
    twilio_auth_token: 'token',
    influx_token: 'token',
    session_key: 's'.repeat(32),
    data_key: 'd'.repeat(32),
  }
  const environment: Record<string, string> = {}
  for (const [name, value] of Object.entries(compose.services.api?.environment ?? {})) {
    const secret = /^\/run\/secrets\/(.+)$/.exec(value)?.[1]
    if (secret) writeFileSync(join(folder, secret), given[secret] ?? expect.unreachable(`no secret ${secret}`))
    environment[name] = secret ? join(folder, secret) : value
  }
  Object.assign(environment, {
    PUBLIC_URL: 'https://care.example',
    TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`,
    TWILIO_FROM: '+15005550006',
  })
  const config = readConfig(environment, root)
  expect(config).toMatchObject({
    production: true,
    http: { trustProxy: ['uniquelocal'] },
    redisUrl: 'redis://queue:6379',
    influx: { bucket: 'care', api: 'v2' },
  })
})

test('HAProxy takes its configuration', () => {
  const folder = temporaryFolder('haproxy')
  const [key, certificate] = [join(folder, 'key'), join(folder, 'certificate')]
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost']
  execFileSync('openssl', [...request, '-keyout', key, '-out', certificate], { stdio: 'ignore' })
  writeFileSync(join(folder, 'tls_pem'), readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'))
  const configuration = readFileSync(join(root, 'haproxy.cfg'), 'utf8').replaceAll('/run/secrets', folder)
  writeFileSync(join(folder, 'haproxy.cfg'), configuration)
  const path = `${process.env.PATH}:/usr/sbin`
  const checked = spawnSync('haproxy', ['-c', '-f', join(folder, 'haproxy.cfg')], {
    encoding: 'utf8',
    env: { PATH: path },
  })
  expect(checked.stderr).not.toMatch(/ALERT|WARNING/)
  expect(checked.status).toBe(0)
})

test('what comes through HAProxy is counted by its true address, and neither figures nor tokens get out', async () => {
  const seen: { url: string | undefined; from: string | string[] | undefined }[] = []
  const behind = createServer((request, response) => {
    if (request.url !== '/healthz') seen.push({ url: request.url, from: request.headers['x-forwarded-for'] })
    response.end('ok')
  })
  const [behindPort, port] = [await portOf(behind.listen(0, '127.0.0.1')), await freePort()]
  const configuration = readFileSync(join(root, 'haproxy.cfg'), 'utf8')
    .replace('bind :8443 ssl crt /run/secrets/tls_pem alpn h2,http/1.1', `bind 127.0.0.1:${port}`)
    .replace(/listen mqtts.*?(?=frontend)/s, '')
    .replace(/maxconn \d+/g, 'maxconn 100')
    .replace(/server-template api.*/, `server api 127.0.0.1:${behindPort}`)
    .replace(/resolvers docker\n.*$/s, '')
  const file = join(temporaryFolder('haproxy'), 'haproxy.cfg')
  writeFileSync(file, configuration)
  const haproxy = spawn('haproxy', ['-f', file], { env: { PATH: `${process.env.PATH}:/usr/sbin` } })
  let log = ''
  haproxy.stdout.on('data', (chunk: Buffer) => {
    log += chunk
  })
  const ask = (path: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { 'x-forwarded-for': '203.0.113.7' } })
  await vi.waitFor(async () => expect((await ask('/')).status).toBe(200), { timeout: 10_000 })
  const statuses: number[] = []
  for (const path of ['/metrics', '/%6detrics', '/readyz?x', '/a/a-secret', '/%61/a-secret', '/setup/a-secret']) {
    statuses.push((await ask(path)).status)
  }
  await vi.waitFor(() => expect(log).toContain('GET /setup/-'), 10_000)
  haproxy.kill('SIGTERM')
  behind.close()
  expect(statuses).toEqual([404, 404, 404, 200, 200, 200])
  expect(new Set(seen.map(({ from }) => from))).toEqual(new Set(['127.0.0.1']))
  expect(log).not.toContain('secret')
})

async function portOf(server: Server): Promise<number> {
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
