import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { createTestDatabase } from '../../testing/postgres.ts'
import { saysStartingUp } from '../../testing/starting-up.ts'
import { startEmbedded } from './embedded.ts'
import { runningPid, stopPostmaster } from './embedded-process.ts'
import { untilReady } from './embedded-ready.ts'

const silent = { info() {}, warn() {}, error() {}, debug() {} }
const MAIN = join(import.meta.dirname, '..', '..', 'main.ts')
const WITHIN = { timeout: 60_000, interval: 2 }
const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A data folder; what a failed test leaves running on it is stopped. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'anlin-start-'))
  cleanups.push(async () => {
    const pid = runningPid(join(folder, 'postgres'))
    if (pid !== null) await stopPostmaster(pid)
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** A platform in its own process group, as a terminal or a supervisor starts it. */
function startPlatform(folder: string): ChildProcess {
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env
  const env = { PATH, NODE_COMPILE_CACHE, LOG_LEVEL: 'silent', ANLIN_DATA: folder }
  const ports = { HTTP_PORT: '0', MQTT_PORT: '0', SMS_GATEWAY_PORT: '0' }
  return spawn(process.execPath, [MAIN], { env: { ...env, ...ports }, detached: true, stdio: 'ignore' })
}

test('a platform that is ended while its database starts leaves none running', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder()
  const platform = startPlatform(folder)
  const exited = once(platform, 'exit')
  await vi.waitFor(() => expect(existsSync(join(folder, 'socket', '.s.PGSQL.5432'))).toBe(true), WITHIN)
  platform.kill('SIGTERM')
  expect((await exited)[0]).toBe(0)
  expect(runningPid(join(folder, 'postgres'))).toBeNull()
})

test('a start that fails stops the database that it launched', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder()
  const database = await startEmbedded(folder, silent)
  await database.stop()
  writeFileSync(join(folder, 'postgres.password'), 'another-one')
  await expect(startEmbedded(folder, silent)).rejects.toThrow('does not answer')
  expect(runningPid(join(folder, 'postgres'))).toBeNull()
})

test('a platform killed while it makes its database starts the next time', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder()
  const platform = startPlatform(folder)
  const exited = once(platform, 'exit')
  const halves = () => readdirSync(folder).filter((name) => existsSync(join(folder, name, 'PG_VERSION')))
  await vi.waitFor(() => expect(halves()).toHaveLength(1), WITHIN)
  // With everything it started, as when the machine goes down.
  process.kill(-(platform.pid ?? 0), 'SIGKILL')
  await exited
  const database = await startEmbedded(folder, silent)
  cleanups.push(() => database.stop())
  expect(readdirSync(folder).filter((name) => name.startsWith('postgres.new'))).toEqual([])
})

test('a server that recovers is waited for beyond the limit, one that says nothing is not', async () => {
  const database = await createTestDatabase()
  cleanups.push(() => database.close())
  const limitMs = 3_000
  const recoversUntil = performance.now() + 2 * limitMs
  const { searchParams, pathname, username, password } = new URL(database.url)
  const between = createServer((socket) => {
    socket.on('error', () => undefined)
    if (performance.now() < recoversUntil) return saysStartingUp(socket)
    const server = connect(join(searchParams.get('host') ?? '', '.s.PGSQL.5432'))
    server.on('error', () => undefined)
    socket.pipe(server).pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(between, 'listening')
  const { port } = between.address() as AddressInfo
  const url = `postgres://${username}:${password}@127.0.0.1:${port}${pathname}`
  const waiting = { log: silent, ending: new AbortController().signal }
  // Somebody else's, which was shutting down and has ended.
  let looks = 0
  await untilReady(url, { ...waiting, limitMs, isThere: () => looks++ < 2 })
  expect(performance.now()).toBeLessThan(recoversUntil)
  let toldAtMs = 0
  const goesOn = () => {
    toldAtMs = performance.now()
  }
  await untilReady(url, { ...waiting, limitMs, goesOn })
  expect(performance.now()).toBeGreaterThan(recoversUntil)
  expect(toldAtMs).toBeGreaterThan(recoversUntil - limitMs)
  between.close()
  const hung = () => expect.unreachable('one that says nothing does not go on')
  await expect(untilReady(url, { ...waiting, limitMs: 200, goesOn: hung })).rejects.toThrow('does not answer')
})
