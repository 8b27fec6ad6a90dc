import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { beginAndHold, createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { connect, type Harness, placeDevice, startHarness, storedRows } from './testing/ingest-harness.ts'
import { publishPacket, rawLogin } from './testing/raw-client.ts'

let database: TestDatabase
let harness: Harness

beforeAll(async () => {
  database = await createTestDatabase()
  harness = await startHarness(database.pool)
})
afterAll(async () => {
  await harness.close()
  await database.close()
})

/** Holds the log so that no insert can commit; answers how to let go. */
async function blockLog(): Promise<() => Promise<void>> {
  const blocker = await database.pool.connect()
  await beginAndHold(blocker, 'lock table observation_log in access exclusive mode')
  return async () => {
    await blocker.query('commit')
    blocker.release()
  }
}

async function untilBlocked(): Promise<void> {
  await vi.waitFor(async () => {
    const { rows } = await database.pool.query(
      `select 1 from pg_stat_activity
        where wait_event_type = 'Lock' and query like '%observation_log%' and datname = current_database()`,
    )
    expect(rows).toHaveLength(1)
  }, 10_000)
}

test('a press is on disk, urgent and in its shard, when the button hears its PUBACK', async () => {
  const account = await placeDevice(database.pool)
  const button = await connect(harness.ingest, account)
  const topic = `care/v1/${account.homeId}/${account.deviceId}/event`
  await button.publishAsync(topic, '{"kind":"sos","state":"pressed"}', { qos: 1 })
  const rows = await storedRows(database.pool, account.homeId)
  expect(rows).toMatchObject([{ topic, account: account.username, lane: 0, flags: 1, rejected: null }])
  expect(rows[0]?.payload.toString()).toBe('{"kind":"sos","state":"pressed"}')
  expect(harness.hints).toContain(`log:${rows[0]?.shard}/${account.homeId}`)
  await button.endAsync()
})

test('while the database is blocked there is no PUBACK; then it comes', async () => {
  const account = await placeDevice(database.pool)
  const button = await rawLogin(harness.ingest, account)
  const release = await blockLog()
  button.send(publishPacket(`care/v1/${account.homeId}/${account.deviceId}/event`, 'x', { messageId: 9 }))
  await untilBlocked()
  expect(button.packets.map(({ cmd }) => cmd)).toEqual(['connack'])
  await release()
  await button.next('puback', 9)
  expect(await storedRows(database.pool, account.homeId)).toHaveLength(1)
  button.socket.destroy()
})

test('at QoS 2 PUBREC waits for the commit, and a repeat within the handshake is stored once', async () => {
  const account = await placeDevice(database.pool)
  const button = await rawLogin(harness.ingest, account)
  const press = publishPacket(`care/v1/${account.homeId}/${account.deviceId}/event`, 'x', { qos: 2, messageId: 7 })
  const release = await blockLog()
  button.send(press)
  await untilBlocked()
  expect(button.packets).toHaveLength(1)
  await release()
  await button.next('pubrec', 7)
  button.send({ ...press, dup: true } as typeof press)
  await vi.waitFor(() => expect(button.packets.filter(({ cmd }) => cmd === 'pubrec')).toHaveLength(2), 10_000)
  button.send({ cmd: 'pubrel', messageId: 7 })
  await button.next('pubcomp', 7)
  expect(await storedRows(database.pool, account.homeId)).toMatchObject([{ flags: 2, packet_id: 7 }])

  // After PUBCOMP the packet id is free: the next message under it is another one.
  button.send(press)
  await vi.waitFor(async () => expect(await storedRows(database.pool, account.homeId)).toHaveLength(2), 10_000)
  button.socket.destroy()
})

test('QoS 0 is stored like everything else, and a PUBREL nobody knows is answered', async () => {
  const account = await placeDevice(database.pool, { deviceId: 'bed', kind: 'sleep-monitor' })
  const bed = await rawLogin(harness.ingest, account)
  bed.send(publishPacket(`care/v1/${account.homeId}/bed/telemetry`, '{}', { qos: 0 }))
  bed.send({ cmd: 'pubrel', messageId: 99 })
  await bed.next('pubcomp', 99)
  await vi.waitFor(
    async () =>
      expect(await storedRows(database.pool, account.homeId)).toMatchObject([{ flags: 0, packet_id: null, lane: 1 }]),
    10_000,
  )
  bed.socket.destroy()
})
