import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from './config.ts'
import { ROLES } from './platform.ts'

/** What can be held of the production files without a Docker engine: shape, pins, secrets, ports, and HAProxy's own check. */

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

test('only the balancer has ports outside, and every secret is a file', () => {
  expect(services.filter(([, { ports }]) => ports).map(([name]) => name)).toEqual(['balancer'])
  for (const [name, { secrets = [], environment = {} }] of services) {
    for (const secret of secrets) expect(compose.secrets[secret]?.file, name).toBe(`./secrets/${secret}`)
    const inline = Object.keys(environment).filter((key) => /(KEY|TOKEN|PASSWORD|DATABASE_URL)$/.test(key))
    expect(inline, name).toEqual([])
  }
})

test('the settings of a role are settings the platform knows and takes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'anlin-compose-'))
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
  const folder = mkdtempSync(join(tmpdir(), 'anlin-haproxy-'))
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
