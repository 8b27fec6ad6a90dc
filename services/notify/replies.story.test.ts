import { afterEach, beforeEach, expect, test } from 'vitest'
import { HOME, OTHER_HOME, PHONES } from './testing/community.ts'
import { beginStory, type Story } from './testing/story.ts'

const HOUR_MS = 3_600_000

let story: Story
beforeEach(async () => {
  story = await beginStory()
  await story.start()
})
afterEach(() => story.end())

test('one phone for two homes: a bare 1 takes nothing, the code takes the right one', async () => {
  await story.signal({ homeId: HOME })
  const first = await story.expectSms('daughter', /Bldg 3-502/)
  await story.signal({ homeId: OTHER_HOME })
  const second = await story.expectSms('daughter', /Bldg 7-101/)
  expect(first.code).not.toBe(second.code)

  await second.thenReply('1')
  await story.expectSms(
    'daughter',
    new RegExp(`^Nothing taken.*1 ${second.code} = Bldg 7-101.*1 ${first.code} = Bldg 3-502`),
  )
  expect((await story.incidents()).map(({ status }) => status)).toEqual(['open', 'open'])

  await second.thenReply(`１　${first.code}`)
  await story.expectSms('daughter', /^You have it: Bldg 3-502/)
  await story.expectSilence()
  expect((await story.incidents()).map(({ homeId, status }) => [homeId, status])).toEqual([
    [HOME, 'acknowledged'],
    [OTHER_HOME, 'open'],
  ])
})

test('the same reply pushed twice, and read back once more, is one reply', async () => {
  await story.signal()
  const alarm = await story.expectSms('daughter', /^EMERGENCY/)
  const reply = {
    providerId: 'SM1',
    from: PHONES.daughter,
    to: '+8615500000000',
    body: `1 ${alarm.code}`,
    sentAtMs: null,
  }
  const { notify } = story.running()
  await Promise.all([notify.onIncomingMessage(reply), notify.onIncomingMessage(reply)])
  await notify.onIncomingMessage(reply)
  await story.expectSms('daughter', /^You have it/)
  await story.expectSilence()
  const { rows } = await story.pool.query('select verdict from incoming_message')
  expect(rows).toEqual([{ verdict: 'take-accepted' }])
})

test('an answer to a message whose receipt said that it failed counts: it was read', async () => {
  await story.fault({ match: { to: PHONES.daughter }, mode: 'undelivered' })
  await story.signal()
  const alarm = await story.expectSms('daughter', /^EMERGENCY/)
  await story.expectSms('son', /^EMERGENCY/)
  await story.sweep()
  expect((await story.outboxRows())[0]).toMatchObject({ status: 'failed' })
  await story.healthy()
  await alarm.thenReply(`1 ${alarm.code}`)
  await story.expectSms('daughter', /^You have it/)
  await story.expectSms('son', /^Chen Mei has it/)
  await story.expectSilence()
})

test('a second taker is told who already has it', async () => {
  await story.signal()
  const alarm = await story.expectSms('daughter', /^EMERGENCY/)
  await story.pass(45_000)
  const sons = await story.expectSms('son', /^EMERGENCY/)
  await alarm.thenReply('1')
  await story.expectSms('daughter', /^You have it/)
  await story.expectSms('son', /^Chen Mei has it/)
  await sons.thenReply('1')
  await story.expectSms('son', /^Chen Mei already has it/)
  await story.expectSilence()
})

test('we end between folding a reply and writing down that we did: it is folded and answered once', async () => {
  await story.signal()
  const alarm = await story.expectSms('daughter', /^EMERGENCY/)
  await story.pass(45_000)
  const sons = await story.expectSms('son', /^EMERGENCY/)
  await alarm.thenReply('1')
  await story.expectSms('daughter', /^You have it/)
  await story.expectSms('son', /^Chen Mei has it/)
  await story.sweep()
  await story.stop()
  await story.start(({ incoming }) => ({ incoming: { ...incoming, settle: () => new Promise<never>(() => {}) } }))
  await sons.thenReply('1')
  await story.expectSms('son', /^Chen Mei already has it/)
  story.kill()
  await story.start()
  await story.pass(15_000)
  await story.expectSilence()
})

test('a late reply after close and re-open means the incident it answers, not the new one', async () => {
  await story.signal()
  const old = await story.expectSms('daughter', /^EMERGENCY/)
  await story.sweep()
  const [incident] = await story.incidents()
  const by = await story.ports().incidents.findResponder(HOME, 'user:u1')
  if (!incident || !by) throw new Error('the story has lost its people')
  const resolve = { type: 'Resolve', by, outcome: 'false-alarm', note: null, personSeenOrHeard: true } as const
  await story.running().escalation.submit(HOME, incident.id, { type: 'Acknowledge', by, via: 'api' })
  await story.expectSms('daughter', /^Li Na has it/)
  expect(await story.running().escalation.submit(HOME, incident.id, resolve)).toEqual({ type: 'accepted' })
  await story.expectSms('daughter', /^Over:.*false alarm \(Li Na\)/)

  await story.signal()
  const again = await story.expectSms('daughter', /^EMERGENCY/)
  expect(again.code).not.toBe(old.code)
  await old.thenReply(`1 ${old.code}`)
  await story.expectSms('daughter', /^Already over/)
  await story.expectSilence()
  expect((await story.incidents()).map(({ status }) => status)).toEqual(['resolved', 'open'])
})

test('a number that we do not know is kept and not answered; a letter from one that we know is', async () => {
  await story.reply('stranger', '1')
  await story.reply('son', 'who is this?')
  await story.expectSms('son', /^Not understood/)
  await story.reply('son', '1')
  await story.expectSms('son', /^Nothing is waiting for you/)
  await story.expectSilence()
  const { rows } = await story.pool.query('select verdict from incoming_message order by verdict')
  expect(rows.map(({ verdict }) => verdict)).toEqual(['not-understood', 'nothing-open', 'unknown-number'])
})

test('STOP from a responder reaches the coordinator', async () => {
  await story.reply('son', 'STOP')
  await story.expectSms('coordinator', /^Chen Bo's phone has opted out/)
  await story.expectSilence()
})

test('a worker who writes CANCEL has opted out at the provider: the coordinator of their community hears so, once', async () => {
  await story.pool.query(
    `with elsewhere as (insert into grid_cell (grid_cell_id, community, name) values ('cell-9', 'Oak Hill', '9')),
       other as (
         insert into app_user (user_id, login, password_hash, role, name, on_call, phone_sealed, phone_hash)
         select 'u9', 'u9', '', 'coordinator', 'Far Away', true, phone_sealed, '' from app_user where user_id = 'u2'
       ) insert into cell_member (grid_cell_id, user_id) select 'cell-9', 'u9'`,
  )
  await story.reply('worker', 'Cancel')
  await story.expectSms('coordinator', /^Li Na's phone has opted out/)
  await story.reply('daughter', 'STOP')
  await story.expectSms('coordinator', /^Chen Mei's phone has opted out/)
  await story.expectSilence()
})

test('a code is not given to the same phone again for 72 h', async () => {
  const codes = new Set<string>()
  for (let count = 0; count < 5; count += 1) {
    await story.signal({ subject: `${count}` })
    codes.add((await story.expectSms('daughter', /^EMERGENCY/)).code)
  }
  expect(codes.size).toBe(5)
  const { rows } = await story.pool.query('select count(*)::int as codes from phone_code')
  expect(rows).toEqual([{ codes: 5 }])
  await story.pool.query("update incident set wake_at = platform_now() + interval '1 year'")
  await story.setClockAhead(73 * HOUR_MS)
  const { facts } = await story.ports().incidents.readHome(HOME)
  expect(facts.usedCodes['contact:c1'] ?? []).toEqual([])
})

test('in a storm of alarms on one phone, the code of the newest still takes it', async () => {
  await story.pool.query(
    `insert into incident (home_id, incident_id, scope, kind, subject, severity, condition, status, opened_at, folded_at, version, state, wake_at)
     select 'a-home-' || n, 'old.' || n, 'home', 'sos', '', 'warning', 'active', 'open', now(), now(), 1, '{}', null
     from generate_series(1, 300) n`,
  )
  await story.pool.query(
    `insert into outbox (home_id, outbox_id, incident_id, recipient, channel, purpose, priority, code, phone_sealed, phone_hash, body_sealed, status, attempts, created_at)
     select 'a-home-' || n, 'old.' || n || '.1', 'old.' || n, 'contact:c1', 'sms', 'alarm', 1, 10 + n % 90, '', $1, '', 'delivered', 1,
       now() - interval '1 hour' from generate_series(1, 300) n`,
    [story.sealing.phoneHash(PHONES.daughter)],
  )
  await story.signal()
  const alarm = await story.expectSms('daughter', /^EMERGENCY/)
  await alarm.thenReply(`1 ${alarm.code}`)
  await story.expectSms('daughter', /^You have it/)
  await story.expectSilence()
})

test('a reply that cannot be judged keeps nobody else waiting', async () => {
  await story.signal()
  const alarm = await story.expectSms('daughter', /^EMERGENCY/)
  const left = (providerId: string, from: string, body: string) =>
    story.ports().incoming.record({ providerId, from, to: '', body, sentAtMs: null })
  await left('SM0', PHONES.stranger, 'broken')
  await left('SM1', PHONES.daughter, `1 ${alarm.code}`)
  await story.stop()
  await story.start(({ incoming }) => ({
    incoming: {
      ...incoming,
      async toldRows(phone, untilMs) {
        if (phone === PHONES.stranger) throw new Error('cannot be read')
        return incoming.toldRows(phone, untilMs)
      },
    },
  }))
  await story.setClockAhead(11_000)
  await story.sweep()
  await story.expectSms('daughter', /^You have it/)
  await story.expectSilence()
})
