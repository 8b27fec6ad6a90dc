import { afterEach, beforeEach, expect, test } from 'vitest'
import { beginStory, type Story } from './testing/story.ts'

/** Whoever was told of an incident and has been taken off the list since. */

let story: Story
beforeEach(async () => {
  story = await beginStory()
  await story.start()
})
afterEach(() => story.end())

const takeOff = (contactId: string) =>
  story.pool.query('update contact set removed_at = now() where contact_id = $1', [contactId])
const disable = (userId: string) =>
  story.pool.query('update app_user set disabled_at = now() where user_id = $1', [userId])
const eventTypes = async () =>
  (await story.pool.query<{ type: string }>('select type from incident_event order by incident_id, seq')).rows.map(
    ({ type }) => type,
  )
const standing = async () => (await story.incidents()).map(({ status, takenBy }) => [status, takenBy?.name ?? null])

test('a contact who has been removed takes nothing; they and the supervisor hear of it', async () => {
  await story.signal()
  const alarm = await story.expectSms('daughter', /^EMERGENCY/)
  await takeOff('c1')
  await alarm.thenReply(`1 ${alarm.code}`)
  await story.expectSms('daughter', /^You are no longer on this list.*others are being told/)
  await story.expectSms('coordinator', /^EMERGENCY/)
  await alarm.thenReply(`1 ${alarm.code}`)
  await story.expectSms('daughter', /^You are no longer on this list/)
  await story.expectSilence()
  expect(await standing()).toEqual([['open', null]])
  expect((await eventTypes()).filter((type) => type === 'UnlistedTakeRefused')).toHaveLength(2)
})

test('a worker whose account has been closed is answered, and where somebody has it nobody else is told', async () => {
  await story.signal({ kind: 'smoke', why: { code: 'smoke-alarm', values: {} } } as never)
  const daughters = await story.expectSms('daughter', /^EMERGENCY/)
  const alarm = await story.expectSms('worker', /^EMERGENCY/)
  await story.sweep()
  await disable('u1')
  await daughters.thenReply('1')
  await story.expectSms('daughter', /^You have it/)
  await story.expectSms('worker', /^Chen Mei has it/)
  await alarm.thenReply('1')
  await story.expectSms('worker', /^You are no longer on this list.*others take care of it/)
  await story.expectSilence()
  expect(await standing()).toEqual([['acknowledged', 'Chen Mei']])
  expect(await eventTypes()).toContain('UnlistedTakeRefused')
})

test('whoever is removed while they have it and then answers has it no longer', async () => {
  await story.signal()
  const alarm = await story.expectSms('daughter', /^EMERGENCY/)
  await alarm.thenReply('1')
  await story.expectSms('daughter', /^You have it/)
  await story.sweep()
  await takeOff('c1')
  await alarm.thenReply('1')
  await story.expectSms('son', /^EMERGENCY/)
  await story.expectSms('daughter', /^You are no longer on this list/)
  await story.expectSilence()
  expect(await standing()).toEqual([['open', null]])
})

test('that somebody removed cannot come still counts: the next one is told now', async () => {
  await story.signal()
  const alarm = await story.expectSms('daughter', /^EMERGENCY/)
  await takeOff('c1')
  await alarm.thenReply(`2 ${alarm.code}`)
  await story.expectSms('daughter', /^Noted/)
  await story.expectSms('son', /^EMERGENCY/)
  await story.expectSilence()
})
