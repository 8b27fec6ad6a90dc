import { once } from 'node:events'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Config, readConfig } from './config.ts'
import { openFoundation } from './foundation.ts'
import { createLifecycle } from './lifecycle.ts'
import { startEmbedded } from './store/postgres/embedded.ts'
import { saysStartingUp } from './testing/starting-up.ts'
import { listenAsSystemd } from './testing/systemd-ear.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

const log = { info() {}, warn() {}, error() {}, debug() {} }

/** Opens it, looks at each call of `meanwhile`, and ends it. @returns what was seen, and whether it opened */
async function open<T>(config: Config, look: () => T): Promise<{ seen: T[]; isOpen: boolean }> {
  const lifecycle = createLifecycle(log)
  const seen: T[] = []
  const parts = { log, lifecycle, alone: config.databaseUrl === null, meanwhile: () => void seen.push(look()) }
  const isOpen = await openFoundation(config, parts).then(
    () => true,
    () => false,
  )
  await lifecycle.end('the test')
  return { seen, isOpen }
}

test('who has other things to do is told while the database is made, and when it was launched', async () => {
  const folder = temporaryFolder('foundation')
  const config = readConfig({ ANLIN_DATA: folder }, folder)
  const isBeingMade = () => readdirSync(folder).some((name) => name.startsWith('postgres.new-'))
  expect(await open(config, isBeingMade)).toEqual({ seen: [true], isOpen: true })

  // Each launch opens it anew.
  const said = join(folder, 'postgres.log')
  rmSync(said)
  expect(await open(config, () => existsSync(said))).toEqual({ seen: [true], isOpen: true })
})

test('a role with a database and keys of its own keeps nothing on its disk', async () => {
  const folder = join(temporaryFolder('foundation'), 'not-there')
  const nobody = 'postgres://anlin:nobody@127.0.0.1:1/anlin'
  const keys = { SESSION_KEY: 'a'.repeat(64), DATA_KEY: 'b'.repeat(64) }
  await open(readConfig({ ANLIN_DATA: folder, DATABASE_URL: nobody, ...keys }, folder), () => 'told')
  expect(existsSync(folder)).toBe(false)
})

test('with a database elsewhere at once, whether or not it can be reached', async () => {
  const folder = temporaryFolder('foundation')
  const nobody = 'postgres://anlin:nobody@127.0.0.1:1/anlin'
  const config = readConfig({ ANLIN_DATA: folder, DATABASE_URL: nobody }, folder)
  expect(await open(config, () => 'told')).toEqual({ seen: ['told'], isOpen: false })
})

test('while the database recovers, systemd is told to wait on', async () => {
  const folder = temporaryFolder('foundation')
  await (await startEmbedded(folder, log)).stop()
  // In its place one that recovers for ever, under the process id of somebody alive.
  writeFileSync(join(folder, 'postgres', 'postmaster.pid'), `${process.pid}\n`)
  const recovering = createServer(saysStartingUp).listen(join(folder, 'socket', '.s.PGSQL.5432'))
  onTestFinished(() => void recovering.close())
  await once(recovering, 'listening')
  const systemd = await listenAsSystemd()
  const lifecycle = createLifecycle(log)
  const config = readConfig({ ANLIN_DATA: folder, NOTIFY_SOCKET: systemd.socket }, folder)
  const opening = openFoundation(config, { log, lifecycle, alone: true, meanwhile: () => undefined })
  opening.catch(() => undefined)
  await expect.poll(() => systemd.said, { timeout: 20_000 }).toContain('EXTEND_TIMEOUT_USEC=60000000')
  await lifecycle.end('the test')
  await expect(opening).rejects.toThrow('was stopped while it started')
})
