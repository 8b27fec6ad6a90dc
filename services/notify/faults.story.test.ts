import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PHONES } from './testing/community.ts'
import { beginStory, type Story } from './testing/story.ts'

let story: Story
beforeEach(async () => {
  story = await beginStory()
})
afterEach(() => story.end())

describe('a provider that does not do what it should', () => {
  beforeEach(() => story.start())

  test('accepts and cuts the connection: looked up and found, nobody gets it twice', async () => {
    await story.fault({ mode: 'drop-after-accept' })
    await story.signal()
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.expectSilence()
    expect(await story.duplicates()).toEqual([])
    const [row] = await story.outboxRows()
    expect(row).toMatchObject({ attempts: 1 })
    expect(['accepted', 'delivered']).toContain(row?.status)
  })

  test('answers 500 three times: tried again within seconds, one message arrives', async () => {
    await story.fault({ mode: 'http-500' })
    await story.signal()
    await story.pass(3_000, 1_000)
    expect((await story.outboxRows())[0]).toMatchObject({ status: 'pending', error_code: 'twilio-20500' })
    await story.healthy()
    // Our time counts too: on a slow machine it may have been tried five times by now.
    await story.pass(8_000, 1_000)
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.expectSilence()
    expect(await story.duplicates()).toEqual([])
  })

  test('refuses the number: the next person is told now, not at the end of the step', async () => {
    await story.fault({ match: { to: PHONES.daughter }, mode: 'reject', errorCode: 21614 })
    await story.signal()
    await story.expectSms('son', /^EMERGENCY/)
    await story.expectSilence()
  })

  test('refuses a number that has opted out: the coordinator hears so, once an incident', async () => {
    await story.fault({ match: { to: PHONES.daughter }, mode: 'reject', errorCode: 21610 })
    await story.signal()
    await story.expectSms('son', /^EMERGENCY/)
    await story.expectSms('coordinator', /^Chen Mei's phone has opted out/)
    await story.signal()
    await story.pass(91_000, 13_000)
    for (const next of ['son', 'worker'] as const) await story.expectSms(next, /^EMERGENCY/)
    await story.expectSilence()
    expect((await story.outboxRows()).filter(({ recipient }) => recipient === 'contact:c1')).toMatchObject([
      { status: 'failed' },
      { status: 'failed' },
    ])
  })

  test('takes it and cannot deliver it: the next person is told now', async () => {
    await story.fault({ match: { to: PHONES.daughter }, mode: 'undelivered' })
    await story.signal()
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.expectSms('son', /^EMERGENCY/)
    await story.expectSilence()
    expect((await story.outboxRows())[0]).toMatchObject({ status: 'failed', error_code: 'twilio-30003' })
  })

  test('takes it and says nothing more: after 30 s the next person is told', async () => {
    await story.fault({ match: { to: PHONES.daughter }, mode: 'accepted-never-delivered' })
    await story.signal()
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.pass(31_000, 31_000)
    await story.expectSms('son', /^EMERGENCY/)
    await story.expectSilence()
    const told = (await story.pool.query("select body from incident_event where type = 'MessageFailed'")).rows
    expect(told).toEqual([{ body: expect.objectContaining({ errorCode: 'no-receipt' }) }])
  })

  test('never answers and has nothing to show: given up in the end, and the others are told', async () => {
    await story.stop()
    await story.start(({ provider }) => ({
      provider: { ...provider, send: async () => ({ outcome: 'unknown', cause: 'time-out' }), find: async () => [] },
    }))
    await story.signal()
    await expect.poll(async () => (await story.outboxRows())[0]?.attempts).toBeGreaterThan(2)
    await story.setClockAhead(601_000)
    await expect
      .poll(async () => (await story.outboxRows())[0])
      .toMatchObject({ status: 'failed', error_code: 'outcome-unknown' })
    story.kill()
    await story.start()
    await story.pass(60_000)
    for (const next of ['son', 'worker', 'coordinator'] as const) await story.expectSms(next, /^EMERGENCY/)
    await story.expectSilence()
    expect((await story.outboxRows())[0]).toMatchObject({ status: 'failed' })
  })

  test('delivers and loses the receipt: read back, and nobody else is told', async () => {
    await story.fault({ mode: 'no-receipts' })
    await story.signal()
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.pass(31_000, 31_000)
    await story.expectSilence()
    expect((await story.outboxRows())[0]).toMatchObject({ status: 'delivered' })
  })

  test('sends each receipt twice and out of order: the state never goes back', async () => {
    await story.fault({ mode: 'duplicate-receipts' })
    await story.signal()
    await story.expectSms('daughter', /^EMERGENCY/)
    // Only from here on is a failure late: before its receipt the message may still fail.
    await expect.poll(async () => (await story.outboxRows())[0]).toMatchObject({ status: 'delivered' })
    await story.expectSilence()
    const [row] = await story.outboxRows()
    const { rows } = await story.pool.query<{ provider_id: string }>('select provider_id from outbox')
    const receipt = { outboxId: row?.outbox_id ?? '', providerId: rows[0]?.provider_id ?? '' }
    for (const state of ['failed', 'accepted', 'failed'] as const) {
      await story.running().notify.onStatusCallback({ ...receipt, state, errorCode: null })
    }
    expect((await story.outboxRows())[0]).toMatchObject({ status: 'delivered' })
    await story.expectSilence()
  })
})

test('taken while the alarm to the next person is just being sent: no further attempt at it', async () => {
  let letGo: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  await story.start(({ provider }) => ({
    provider: {
      ...provider,
      async send(message) {
        if (message.to !== PHONES.son) return provider.send(message)
        await held
        return { outcome: 'rejected', code: 'twilio-20500', temporary: true }
      },
    },
  }))
  await story.signal()
  const alarm = await story.expectSms('daughter', /^EMERGENCY/)
  await story.setClockAhead(45_000)
  await story.running().escalation.sweep()
  await expect.poll(async () => (await story.outboxRows())[1]?.status).toBe('sending')
  await alarm.thenReply('1')
  await story.expectSms('daughter', /^You have it/)
  letGo()
  await story.pass(60_000)
  await story.expectSilence()
  expect((await story.outboxRows())[1]).toMatchObject({ status: 'withdrawn', attempts: 1 })
})

test('killed with a message in hand: who is the only one left sends it at once, and who may not be waits for the claim', async () => {
  const { outbox } = story.ports()
  await story.start(({ provider }) => ({ provider: { ...provider, send: () => new Promise<never>(() => {}) } }))
  await story.signal()
  await expect.poll(async () => (await story.outboxRows())[0]?.status).toBe('sending')
  story.kill()
  await story.start()
  await story.sweep()
  expect(await story.phone('daughter')).toEqual([])
  expect(await outbox.freeClaims()).toBe(1)
  await story.sweep()
  await story.expectSms('daughter', /^EMERGENCY/)
  expect(await outbox.freeClaims()).toBe(0)
  expect((await story.duplicates()).map(({ cause }) => cause)).toEqual(['sender-lost'])
})
