import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { Connection } from './connection.ts'
import { INGEST_LIMITS } from './limits.ts'

const PING = Buffer.from([0xc0, 0])

test('a client that takes no answers is not read any more, and in the end closed', async () => {
  let nowMs = 0
  const reasons: string[] = []
  // A stream whose other side never takes a byte: a kernel's buffers are too large to fill in a test.
  const stuck = new Duplex({ read() {}, write() {}, writableHighWaterMark: 1 }) as unknown as Socket
  const connection = new Connection(stuck, {
    clock: { now: () => nowMs, monotonicMs: () => nowMs },
    limits: INGEST_LIMITS,
    metrics: { count: (_name, _by, labels) => void reasons.push(labels?.reason ?? ''), gauge() {}, observe() {} },
  })
  connection.accepted()
  stuck.push(PING)
  expect(stuck.read()).toEqual(PING)

  connection.acknowledge(1)
  connection.acknowledge(2)
  await new Promise((resolve) => setImmediate(resolve))
  stuck.push(PING)
  expect(stuck.read()).toBeNull()
  nowMs = INGEST_LIMITS.slowReaderMs
  connection.checkAlive(nowMs)
  expect(stuck.destroyed).toBe(false)
  nowMs += 1
  connection.checkAlive(nowMs)
  expect(stuck.destroyed).toBe(true)
  expect(reasons).toEqual(['slow-reader'])
})
