import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { logHintKey } from '../core/log-hint.ts'
import { shardOf } from '../core/shard.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { startBeside } from './testing/beside.ts'
import { forgetEverything } from './testing/clock.ts'
import { signalCount, tallyOf } from './testing/rules-bench.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())
beforeEach(() => forgetEverything(database.pool))

const homeId = 'home-a'
const shard = shardOf(homeId)
const payload = (n: number) => `n ${n}`

test('a fold whose commit fails is read from the log, and what came behind it too', async () => {
  let fails = 0
  const beside = await startBeside(database.pool, (inner) => ({
    ...inner,
    async commit(asked) {
      if (asked.cursors.length > 0 && fails-- > 0) throw new Error('the database is away')
      return inner.commit(asked)
    },
  }))
  await beside.say({ homeId, payload: payload(0) })
  await beside.worker.processAll()
  fails = 2
  await beside.say({ homeId, payload: payload(1) })
  await beside.worker.sweep().catch(() => undefined)
  await beside.say({ homeId, payload: payload(2) }, { homeId, payload: 'press', urgent: true })
  await beside.worker.onHint(logHintKey({ shard, homeId })).catch(() => undefined)
  await beside.worker.processAll().catch(() => undefined)
  fails = 0
  await beside.worker.processAll()
  expect((await tallyOf(database.pool, homeId)).rows).toEqual([0, 1, 2])
  expect(await signalCount(database.pool, homeId)).toBe(1)
  await beside.worker.close()
})

test('work on what was handed over that fails is said, though nobody waits for it', async () => {
  let isAway = false
  const beside = await startBeside(database.pool, (inner) => ({
    ...inner,
    async commit(asked) {
      if (isAway) throw new Error('the database is away')
      return inner.commit(asked)
    },
  }))
  await beside.say({ homeId, payload: payload(0) })
  await beside.worker.processAll()
  isAway = true
  await beside.say({ homeId, payload: payload(1) })
  await expect.poll(() => beside.logged).toContain('work that nobody waits for failed')
  isAway = false
  await beside.worker.processAll()
  expect((await tallyOf(database.pool, homeId)).rows).toEqual([0, 1])
  await beside.worker.close()
})

test('an alarm that fails beside a pass is said, once, and folded in the round that follows', async () => {
  const [committing, commit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let isHeld = false
  let failures = 1
  const beside = await startBeside(database.pool, (inner) => ({
    ...inner,
    async commit(asked) {
      if (asked.signals.length > 0 && failures-- > 0) throw new Error('the database is away')
      if (isHeld && asked.cursors.some((cursor) => cursor.shard === shard)) {
        committing.resolve()
        await commit.promise
      }
      return inner.commit(asked)
    },
  }))
  await beside.say({ homeId, payload: payload(0) }, { homeId: 'home-x', payload: payload(0) })
  await beside.worker.processAll()
  isHeld = true
  await beside.say({ homeId, payload: payload(1) })
  await committing.promise
  await beside.say({ homeId: 'home-x', payload: 'press', urgent: true })
  await expect.poll(() => beside.logged).toContain('work that nobody waits for failed')
  commit.resolve()
  await expect.poll(() => signalCount(database.pool, 'home-x')).toBe(1)
  expect(beside.logged.filter((line) => line === 'work that nobody waits for failed')).toHaveLength(1)
  await beside.worker.close()
})
