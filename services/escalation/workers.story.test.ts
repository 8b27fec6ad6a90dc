import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Signal } from '../core/signal.ts'
import { HOME, OTHER_HOME, PHONES } from '../notify/testing/community.ts'
import { beginStory, type Platform, type Story } from '../notify/testing/story.ts'

const HOUR_MS = 3_600_000

let story: Story
beforeEach(async () => {
  story = await beginStory()
})
afterEach(() => story.end())

describe('two workers at once', () => {
  let other: Platform
  beforeEach(async () => {
    await story.start()
    other = await story.startPlatform()
  })
  afterEach(async () => {
    await other.notify.close()
    await other.escalation.close()
  })

  test('twenty presses folded by both make one incident and one message', async () => {
    const { incidents } = story.ports()
    const presses = Array.from({ length: 20 }, () => story.signal({ deviceId: 'sos-bath' }))
    const both = Array.from({ length: 20 }, () => other.escalation.onHint(HOME))
    await Promise.all([...presses, ...both])
    await Promise.all([story.sweep(), other.escalation.sweep(), other.notify.sweep()])
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.expectSilence()
    const open = await story.incidents()
    expect(open.map(({ raisedCount }) => raisedCount)).toEqual([20])
    expect((await incidents.readHome(HOME)).inputs).toEqual([])
  })

  test('both find the same step due: one message', async () => {
    await story.signal()
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.sweep()
    await story.setClockAhead(45_000)
    await Promise.all(
      Array.from({ length: 10 }, () => [story.running().escalation.sweep(), other.escalation.sweep()]).flat(),
    )
    await story.expectSms('son', /^EMERGENCY/)
    await story.expectSilence()
  })

  test('two people take it through two workers: one has it, the other is told who', async () => {
    await story.signal()
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.sweep()
    const [incident] = await story.incidents()
    const { incidents } = story.ports()
    const [lina, zhao] = await Promise.all(['user:u1', 'user:u2'].map((ref) => incidents.findResponder(HOME, ref)))
    if (!incident || !lina || !zhao) throw new Error('the story has lost its people')
    const verdicts = await Promise.all([
      story.running().escalation.submit(HOME, incident.id, { type: 'Acknowledge', by: lina, via: 'api' }),
      other.escalation.submit(HOME, incident.id, { type: 'Acknowledge', by: zhao, via: 'api' }),
    ])
    expect(verdicts.map(({ type }) => type).sort()).toEqual(['accepted', 'alreadyTaken'])
    await story.expectSms('daughter', /(Li Na|Zhao Yan) has it/)
    await story.expectSilence()
  })

  test('two homes of one phone at the same moment, one code left: each gets its own', async () => {
    await story.pool.query(
      `insert into phone_code (phone_hash, code, home_id, incident_id, given_at)
       select $1, code, 'home-009', 'home-009.1', platform_now() - (99 - code) * interval '1 minute' from generate_series(10, 98) code`,
      [story.sealing.phoneHash(PHONES.daughter)],
    )
    // Both have read before either writes.
    const { incidents } = story.ports()
    let read = 0
    const together = {
      ...incidents,
      async readHome(homeId: string) {
        const view = await incidents.readHome(homeId)
        if (view.inputs.length > 0) read += 1
        if (read <= 2) await expect.poll(() => read).toBeGreaterThanOrEqual(2)
        return view
      },
    }
    await story.stop()
    await story.start(() => ({ incidents: together }))
    await Promise.all([story.signal({ homeId: HOME }), story.signal({ homeId: OTHER_HOME })])
    const codes = [await story.expectSms('daughter', /^EMERGENCY/), await story.expectSms('daughter', /^EMERGENCY/)]
    // 10 was given longest ago, but `1 10` written without its space would be a call for the police.
    expect(codes.map(({ code }) => code).sort()).toEqual(['11', '99'])
    await story.expectSilence()
  })

  test('a worker that was frozen between reading and writing throws its work away', async () => {
    const { incidents } = story.ports()
    await story.stop()
    let frozen = false
    await story.start(() => ({
      incidents: {
        ...incidents,
        async commit(commit, claim) {
          if (!frozen) {
            frozen = true
            await other.escalation.onHint(HOME)
          }
          return incidents.commit(commit, claim)
        },
      },
    }))
    await story.signal()
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.expectSilence()
    expect(await story.incidents()).toHaveLength(1)
    expect(frozen).toBe(true)
  })
})

describe('what the database lost, or its clock', () => {
  test('a signal whose hint was lost is folded by the sweep', async () => {
    await story.start()
    await story.signal({}, { hinted: false })
    await story.setClockAhead(1_000)
    await story.sweep()
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.expectSilence()
  })

  test('the clock is set back by an hour: the next person is still told after 45 s', async () => {
    let passedMs = 0
    await story.start(({ clock }) => ({ clock: { ...clock, monotonicMs: () => clock.monotonicMs() + passedMs } }))
    await story.signal()
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.sweep()
    await story.setClockAhead(-HOUR_MS)
    await story.sweep()
    passedMs += 46_000
    await story.setClockAhead(46_000)
    await story.sweep()
    await story.expectSms('son', /^EMERGENCY/)
    await story.expectSilence()
  })

  test('the clock is set back by an hour while we are down: the next person is told all the same', async () => {
    await story.start()
    await story.signal()
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.sweep()
    await story.stop()
    await story.setClockAhead(-HOUR_MS)
    let passedMs = 0
    await story.start(({ clock }) => ({ clock: { ...clock, monotonicMs: () => clock.monotonicMs() + passedMs } }))
    await story.sweep()
    passedMs += 46_000
    await story.sweep()
    await story.expectSms('son', /^EMERGENCY/)
    await story.expectSilence()
  })

  test('the clock jumps ahead by an hour: every step of the round that fell due is told at once', async () => {
    await story.start()
    await story.signal()
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.sweep()
    await story.setClockAhead(HOUR_MS)
    await story.sweep()
    await story.expectSms('son', /^EMERGENCY/)
    await story.expectSms('worker', /^EMERGENCY/)
    await story.expectSms('coordinator', /^EMERGENCY/)
    await story.expectSilence()
  })

  test('an input that no fold can take is set aside and does not hold up the next alarm', async () => {
    await story.start()
    await story.pool.query('insert into incident_input (home_id, body) values ($1, \'{"type":"SignalReceived"}\')', [
      HOME,
    ])
    await story.signal()
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.expectSilence()
    const { rows } = await story.pool.query('select rejected from incident_input where rejected is not null')
    expect(rows).toEqual([{ rejected: 'fold-failed' }])
  })
})

test('a home whose own policies are broken has its alarms told by the defaults', async () => {
  await story.start()
  await story.pool.query(`update home set settings = '{"escalation":{"critical":null}}' where home_id = $1`, [HOME])
  await story.signal()
  await story.expectSms('daughter', /^EMERGENCY/)
  await story.expectSilence()
})

test('an incident whose timer cannot be fired keeps no other alarm of the home waiting', async () => {
  await story.start()
  await story.signal({ kind: 'smoke', why: { code: 'smoke-alarm', values: {} } } as Partial<Signal>)
  for (const person of ['daughter', 'worker'] as const) await story.expectSms(person, /^EMERGENCY/)
  await story.sweep()
  await story.pool.query(
    `update incident set wake_at = platform_now(),
       state = state || '{"wakeAt":1,"policy":{}}' || jsonb_build_object('due', state->'due' || '{"step":1}')`,
  )
  await story.signal()
  // As every second in a running platform: a hint that met the broken incident is allowed to be lost.
  await story.sweep()
  await story.expectSms('daughter', /help button/)
})

test('what is known of a home is kept once, however many codes are given meanwhile', async () => {
  await story.start()
  await story.signal()
  await story.expectSms('daughter', /^EMERGENCY/)
  await story.sweep()
  await story.pass(50_000, 10_000)
  await story.expectSms('son', /^EMERGENCY/)
  await story.signal({ kind: 'smoke', why: { code: 'smoke-alarm', values: {} } } as Partial<Signal>)
  for (const person of ['daughter', 'worker'] as const) await story.expectSms(person, /^EMERGENCY/)
  await story.expectSilence()
  const { rows } = await story.pool.query(
    'select count(*)::int as passes, (select count(*)::int from escalation_facts) as facts from escalation_pass',
  )
  expect(rows).toEqual([{ passes: expect.any(Number), facts: 1 }])
  expect(rows[0].passes).toBeGreaterThan(3)
})
