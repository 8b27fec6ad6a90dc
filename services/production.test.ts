import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { mosquittoPub } from '../simulators/trials/mosquitto.ts'
import { metric, signIn } from '../simulators/trials/operator.ts'
import {
  type PlatformUnderTrial,
  preparePlatform,
  type RunningPlatform,
} from '../simulators/trials/platform-process.ts'
import { ROLES } from './roles.ts'

/** A new installation with NODE_ENV=production, from its first start: nobody is there but who reads what it prints. */

const ADMIN = {
  login: 'first-administrator-kestrel',
  name: 'Kestrel',
  password: 'long enough',
  passwordAgain: 'long enough',
}
const HOME = 'home-1'
const FAMILY = '+8615500000101'
const HELD_OPEN_S = 2

let trial: PlatformUnderTrial
let platform: RunningPlatform
let http: string
beforeAll(async () => {
  trial = await preparePlatform({
    NODE_ENV: 'production',
    HTTP_HOST: '127.0.0.1',
    MQTT_HOST: '127.0.0.1',
    SESSION_KEY: 's'.repeat(32),
    DATA_KEY: 'd'.repeat(32),
  })
  http = `http://127.0.0.1:${trial.ports.http}`
  platform = await trial.start([...ROLES], { PUBLIC_URL: http })
})
afterAll(() => trial?.destroy())

/** Every file below the folder that holds it: tables, indexes and the database's own log of writing. */
function filesWith(folder: string, secret: Buffer): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return files
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => readFileSync(path).includes(secret))
}

test('the first start prints a link that makes one administrator, and is written nowhere', async () => {
  const said = platform.output()
  const link = /^First administrator: (\S+) \(one use, one hour\)$/m.exec(said)?.[1] ?? expect.unreachable(said)
  const token = new RegExp(`^${http}/setup/([\\w-]{43})$`).exec(link)?.[1] ?? expect.unreachable(link)
  expect((await fetch(link)).status).toBe(200)
  const send = (form: object) =>
    fetch(link, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ ...form }) })
  expect((await send(ADMIN)).status).toBe(303)
  expect((await send({ ...ADMIN, login: 'second' })).status).toBe(404)
  expect((await fetch(link)).status).toBe(404)

  const lines = platform.output().split('\n')
  expect(lines.filter((line) => line.includes(token))).toHaveLength(1)
  expect(lines.filter((line) => line.startsWith('{')).join('\n')).not.toContain(token)
  // That it would be found, if it were there.
  expect(filesWith(trial.folder, Buffer.from(ADMIN.login)).length).toBeGreaterThan(0)
  expect(filesWith(trial.folder, Buffer.from(token))).toEqual([])
  expect(filesWith(trial.folder, Buffer.from(token, 'base64url'))).toEqual([])
})

test('the metrics say what has happened: one message, one press, and who holds a transaction open', async () => {
  const operator = await signIn({ http, users: [{ role: 'admin', ...ADMIN }] })
  await operator.takeIn(HOME, FAMILY)
  const login = await operator.place(HOME, { id: 'sos-bath', kind: 'sos-button' })
  const begunAt = performance.now()
  const pressed = { id: 'first', kind: 'sos', state: 'pressed' }
  await mosquittoPub(`mqtt://127.0.0.1:${trial.ports.mqtt}`, login, `care/v1/${HOME}/sos-bath/event`, pressed)
  for (const name of ['anlin_puback_seconds', 'anlin_press_to_request_seconds']) {
    await expect.poll(() => metric(http, `${name}_count`)).toBe(1)
    const sum = await metric(http, `${name}_sum`)
    expect(sum, name).toBeGreaterThan(0)
    expect(sum, name).toBeLessThan((performance.now() - begunAt) / 1_000)
  }
  expect(await metric(http, 'anlin_outbox_oldest_seconds')).toBe(0)

  const oldest = () => metric(http, 'anlin_oldest_transaction_seconds')
  const holder = new pg.Client({ connectionString: trial.databaseUrl() })
  await holder.connect()
  onTestFinished(() => holder.end())
  const heldFrom = performance.now()
  await holder.query('begin')
  await holder.query('select pg_current_xact_id()')
  await expect.poll(oldest).toBeGreaterThanOrEqual(HELD_OPEN_S)
  expect(await oldest()).toBeLessThan((performance.now() - heldFrom) / 1_000)
  await holder.query('rollback')
  await expect.poll(oldest).toBeLessThan(HELD_OPEN_S)
})
