import { expect, test } from 'vitest'
import type { LogAppend, LogMessage } from '../ports.ts'
import { GroupCommit, type WaitingMessage } from './group-commit.ts'
import { INGEST_LIMITS } from './limits.ts'

const silent = { info() {}, warn() {}, error() {}, debug() {} }

function message(source: object, lane: 0 | 1, packetId: number, answered: string[], name: string): WaitingMessage {
  return {
    shard: 0,
    lane,
    homeId: name,
    account: name,
    flags: 1,
    packetId,
    topic: 't',
    payload: Buffer.alloc(0),
    rejected: null,
    bytes: 10,
    arrivedMs: 0,
    source,
    settle: () => void answered.push(`${name} ${packetId}`),
  }
}

/** A log that keeps only what `take` makes of each batch. */
function takenInto(take: (batch: readonly LogMessage[]) => void, isHandedOver = false): LogAppend {
  return {
    async append(batch) {
      take(batch)
      return { isHandedOver }
    },
  }
}

test('an alarm overtakes what waits, in a short batch, but nothing of its own connection; the others get on', async () => {
  const batches: LogMessage[][] = []
  const stored = [Promise.withResolvers<void>()]
  const hinted: string[] = []
  const answered: string[] = []
  const commits = new GroupCommit({
    logAppend: {
      async append(batch) {
        batches.push([...batch])
        if (batches.length === 1) await stored[0]?.promise
        return { isHandedOver: false }
      },
    },
    hints: { hint: (topic, key) => void hinted.push(`${topic} ${key} after ${answered.length}`) },
    clock: { now: () => 0, monotonicMs: () => 0 },
    log: silent,
    metrics: { count() {}, gauge() {}, observe() {} },
    limits: INGEST_LIMITS,
  })
  const [town, gateway] = [{}, {}]
  commits.append(message(town, 1, 0, answered, 'town'))
  await expect.poll(() => batches.length).toBe(1)
  for (let id = 1; id <= 2_000; id += 1) commits.append(message(town, 1, id, answered, 'town'))
  commits.append(message(gateway, 1, 1, answered, 'gateway'))
  commits.append(message(gateway, 0, 2, answered, 'gateway'))
  commits.append(message(gateway, 1, 3, answered, 'gateway'))
  stored[0]?.resolve()
  await commits.idle()
  commits.close()

  const [, second = [], third = []] = batches
  expect(second.slice(0, 4).map(({ account, packetId }) => `${account} ${packetId}`)).toEqual([
    'gateway 1',
    'gateway 2',
    'gateway 3',
    'town 1',
  ])
  expect(second).toHaveLength(53)
  expect(third).toHaveLength(INGEST_LIMITS.batchMessages)
  // The first batch is answered, its own not yet; and the shard is not looked at a second time for the rest of it.
  expect(hinted).toEqual(['log 0 after 1', 'log 0/gateway after 1', 'log 0 after 1054', 'log 0 after 2004'])
  const order = answered.filter((each) => each.startsWith('town')).map((each) => Number(each.split(' ')[1]))
  expect(order).toEqual(Array.from({ length: 2_001 }, (_, id) => id))
})

test('messages that come faster than commits gather; an alarm among them ends that at once, and who sends alone never waits', async () => {
  const batches: number[] = []
  let nowMs = 0
  const commits = new GroupCommit({
    logAppend: takenInto((batch) => batches.push(batch.length)),
    hints: { hint() {} },
    // It stands: whatever gathers would do so for ever.
    clock: { now: () => 0, monotonicMs: () => nowMs },
    log: silent,
    metrics: { count() {}, gauge() {}, observe() {} },
    limits: INGEST_LIMITS,
  })
  const put = (count: number, lane: 0 | 1 = 1) => {
    for (let id = 0; id < count; id += 1) commits.append(message({}, lane, id, [], 'town'))
  }
  for (const count of [1, 1, 5]) {
    put(count)
    await expect.poll(() => batches.at(-1)).toBe(count)
    await commits.idle()
  }
  expect(batches).toEqual([1, 1, 5])
  const before = performance.now()
  put(1)
  await commits.idle()
  expect(performance.now() - before).toBeGreaterThanOrEqual(4)
  put(6)
  nowMs += 100
  await commits.idle()
  put(1)
  await new Promise((done) => setImmediate(done))
  expect(batches).toEqual([1, 1, 5, 1, 6])
  put(1, 0)
  await new Promise((done) => setImmediate(done))
  expect(batches).toEqual([1, 1, 5, 1, 6, 2])
  commits.close()
})

test('while an alarm is on its way further alarms are committed at once, and what is ordinary waits for a moment', async () => {
  const batches: string[][] = []
  const commits = new GroupCommit({
    logAppend: takenInto((batch) => batches.push(batch.map(({ account }) => account))),
    hints: { hint() {} },
    // It stands: the moment is over for nobody before its own timer ends.
    clock: { now: () => 0, monotonicMs: () => 0 },
    log: silent,
    metrics: { count() {}, gauge() {}, observe() {} },
    limits: INGEST_LIMITS,
  })
  const put = (name: string, lane: 0 | 1) => commits.append(message({}, lane, 1, [], name))
  const before = performance.now()
  put('press', 0)
  await commits.idle()
  for (let id = 0; id < 500; id += 1) put('town', 1)
  await new Promise((done) => setImmediate(done))
  expect(batches).toEqual([['press']])
  put('second', 0)
  await expect.poll(() => batches.length).toBeGreaterThanOrEqual(2)
  expect(batches[1]?.[0]).toBe('second')
  expect(batches[1]).toHaveLength(51)
  // A batch waits for it once; how long it lasts is core/hush.test.ts's.
  put('third', 0)
  await commits.idle()
  expect(performance.now() - before).toBeGreaterThanOrEqual(49)
  expect(batches.flat()).toHaveLength(503)
  commits.close()
})

test('what the rules of this process were handed is not hinted as well, and is answered all the same', async () => {
  const hinted: string[] = []
  const answered: string[] = []
  for (const isHandedOver of [true, false]) {
    const commits = new GroupCommit({
      logAppend: takenInto(() => undefined, isHandedOver),
      hints: { hint: (topic, key) => void hinted.push(`${topic} ${key}`) },
      clock: { now: () => 0, monotonicMs: () => 0 },
      log: silent,
      metrics: { count() {}, gauge() {}, observe() {} },
      limits: INGEST_LIMITS,
    })
    commits.append(message({}, 0, 1, answered, 'press'))
    commits.append({ ...message({}, 1, 2, answered, 'town'), shard: 7 })
    await commits.idle()
    commits.close()
    if (isHandedOver) expect(hinted).toEqual([])
  }
  expect(hinted).toEqual(['log 0/press', 'log 7'])
  expect(answered).toEqual(['press 1', 'town 2', 'press 1', 'town 2'])
})
