import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LogAppend } from '../ports.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { placeDevice, startHarness, storedRows } from './testing/ingest-harness.ts'
import { publishPacket, rawLogin } from './testing/raw-client.ts'

const CLIENTS = 8

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

test('closed under load: what was acknowledged is stored, and what was stored was acknowledged', async () => {
  // The database's answers take a while, so that the end comes in the middle of a commit.
  const slow = (log: LogAppend): LogAppend => ({
    async append(batch) {
      const appended = await log.append(batch)
      await sleep(20)
      return appended
    },
  })
  const limits = { ratePerAccount: 1_000_000, lingerMs: 10_000 }
  const harness = await startHarness(database.pool, { wrapLog: slow, limits })
  const accounts = await Promise.all(Array.from({ length: CLIENTS }, () => placeDevice(database.pool)))
  const clients = await Promise.all(accounts.map((account) => rawLogin(harness.ingest, account)))
  let sending = true
  const load = clients.map(async (client, at) => {
    const topic = `care/v1/${accounts[at]?.homeId}/sos-bath/telemetry`
    for (let messageId = 1; sending && !client.isClosed() && messageId < 60_000; messageId++) {
      // Every third at QoS 2: its answer takes another way.
      client.send(publishPacket(topic, `${messageId}`, { messageId, qos: messageId % 3 === 0 ? 2 : 1 }))
      if (messageId % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  })
  await Promise.all(clients.map((client) => client.next('puback', 400)))
  await harness.close()
  sending = false
  await Promise.all([...load, ...clients.map((client) => client.closed())])

  for (const [at, client] of clients.entries()) {
    const answered = client.packets.flatMap((packet) =>
      packet.cmd === 'puback' || packet.cmd === 'pubrec' ? [packet.messageId] : [],
    )
    const stored = (await storedRows(database.pool, accounts[at]?.homeId ?? '')).map((row) => row.packet_id)
    expect(answered.length).toBeGreaterThan(400)
    expect(answered.toSorted((a, b) => (a ?? 0) - (b ?? 0))).toEqual(stored)
  }
})

test('closed while nobody reads its answers, it still ends', async () => {
  const harness = await startHarness(database.pool, { limits: { lingerMs: 50 } })
  const account = await placeDevice(database.pool)
  const client = await rawLogin(harness.ingest, account)
  client.socket.pause()
  client.send(publishPacket(`care/v1/${account.homeId}/sos-bath/event`, 'x'))
  await harness.close()
  client.socket.destroy()
  expect(client.packets).toHaveLength(1)
})
