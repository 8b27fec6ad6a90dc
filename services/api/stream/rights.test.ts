import { expect, test } from 'vitest'
import { openBench } from '../testing/bench.ts'
import { HOME } from '../testing/community.ts'
import type { Listener } from './connection.ts'
import { recheckRights, rightsOf } from './hub.ts'

test('rights taken away elsewhere end or narrow a stream at the next look', async () => {
  const bench = await openBench()
  const { store } = bench
  const ended: string[] = []
  const sent: string[] = []
  const open = async (login: string): Promise<Listener> => {
    const session = await store.sessions.open(login, 'a password for tests')
    if (!session) throw new Error(`${login} cannot sign in`)
    const end = () => void ended.push(login)
    const send = (event: { name: string }) => void sent.push(`${login} ${event.name}`)
    return { token: session.token, userId: `id-${login}`, ...(await rightsOf(session.viewer, store)), send, end }
  }
  const worker = await open('worker')
  const family = await open('family')
  expect([...(worker.homes ?? [])]).toEqual([HOME])
  await bench.pool.query("delete from cell_member where user_id = 'id-worker'")
  await bench.pool.query("update app_user set disabled_at = now() where user_id = 'id-family'")
  const log = { info() {}, warn() {}, error() {}, debug() {} }
  await recheckRights({ store, log }, new Set([worker, family]))
  expect([...(worker.homes ?? [])]).toEqual([])
  expect(ended).toEqual(['family'])
  expect(sent).toEqual(['worker reset'])
  await recheckRights({ store, log }, new Set([worker]))
  expect(sent).toHaveLength(1)
  await bench.close()
})
