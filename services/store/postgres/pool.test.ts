import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, expect, test, vi } from 'vitest'
import { createTestDatabase } from '../../testing/postgres.ts'
import { openPool } from './pool.ts'

afterEach(() => void vi.useRealTimers())

/** A way to the database that can go dark, as when a machine is unplugged: nothing comes back, not even a goodbye. */
async function wayTo(url: string) {
  const { host, port } = new pg.Client({ connectionString: url })
  const folder = await mkdtemp(join(tmpdir(), 'way-'))
  let dark = false
  const server = createServer((client) => {
    const upstream = connect(`${host}/.s.PGSQL.${port}`)
    client.on('error', () => undefined).on('close', () => upstream.destroy())
    upstream.on('error', () => undefined)
    client.pipe(upstream)
    upstream.on('data', (bytes) => void (dark || client.write(bytes)))
  }).listen(join(folder, `.s.PGSQL.${port}`))
  await once(server, 'listening')
  return {
    url: url.replace(encodeURIComponent(host), encodeURIComponent(folder)),
    goDark: (isDark: boolean) => {
      dark = isDark
    },
    async close() {
      server.close()
      await rm(folder, { recursive: true })
    },
  }
}

test('a server that went away without a goodbye costs a query its answer, and the next one gets another connection', async () => {
  const database = await createTestDatabase()
  const way = await wayTo(database.url)
  const pool = await openPool(way.url, { max: 1, name: 'test' })
  await pool.query('select 1')
  way.goDark(true)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const answered = pool.query('select 2').then(
    () => 'answered',
    () => 'given up',
  )
  await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(0), 10_000)
  await vi.advanceTimersByTimeAsync(15_000)
  vi.useRealTimers()
  expect(await answered).toBe('given up')
  way.goDark(false)
  expect((await pool.query('select 3 as three')).rows).toEqual([{ three: 3 }])
  await pool.end()
  await way.close()
  await database.close()
})

test('a refused statement keeps its connection; one that was ended, or may not write, is given up', async () => {
  const database = await createTestDatabase()
  const pool = await openPool(database.url, { max: 1, name: 'test' })
  const backend = async () => (await pool.query('select pg_backend_pid() as pid')).rows[0].pid
  const before = await backend()
  await expect(pool.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' })
  expect(await backend()).toBe(before)
  await pool.query('set default_transaction_read_only = on')
  await expect(pool.query('create table t ()')).rejects.toMatchObject({ code: '25006' })
  const writing = await backend()
  expect(writing).not.toBe(before)
  await expect(pool.query('select pg_terminate_backend(pg_backend_pid())')).rejects.toMatchObject({ code: '57P01' })
  expect(await backend()).not.toBe(writing)
  await pool.end()
  await database.close()
})

test('four connections stay for ever, the others for five minutes', async () => {
  const database = await createTestDatabase()
  const pool = await openPool(database.url, { max: 6, name: 'test' })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const clients = await Promise.all(Array.from({ length: 6 }, () => pool.connect()))
  for (const client of clients) client.release()
  await vi.advanceTimersByTimeAsync(299_000)
  expect(pool.totalCount).toBe(6)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(pool.totalCount).toBe(4)
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(pool.totalCount).toBe(4)
  vi.useRealTimers()
  await pool.end()
  await database.close()
})
