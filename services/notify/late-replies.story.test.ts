import { afterEach, beforeEach, test } from 'vitest'
import { PHONES } from './testing/community.ts'
import { beginStory, type Story } from './testing/story.ts'

let story: Story
beforeEach(async () => {
  story = await beginStory()
  await story.start()
})
afterEach(() => story.end())

test('a reply that reaches us late means what was told before it, though its phone was told again since', async () => {
  await story.signal()
  const alarm = await story.expectSms('daughter', /^EMERGENCY/)
  const sentAtMs = Date.now()
  await story.pass(61_000)
  await story.expectSms('son', /^EMERGENCY/)
  await story.signal()
  await story.sweep()
  await story.expectSms('daughter', /^EMERGENCY/)
  const { notify } = story.running()
  const late = { providerId: 'SM8', from: PHONES.daughter, to: '', body: `1 ${alarm.code}`, sentAtMs }
  await notify.onIncomingMessage(late)
  await story.sweep()
  await story.expectSms('daughter', /^You have it/)
  await story.expectSms('son', /has it/)
  await story.expectSilence()
})

test('a reply that came while we were down is read back at the start', async () => {
  await story.signal()
  const alarm = await story.expectSms('daughter', /^EMERGENCY/)
  await story.sweep()
  await story.stop()
  await alarm.thenReply('1')
  await story.start()
  await story.sweep()
  await story.expectSms('daughter', /^You have it/)
  await story.expectSilence()
})

test('a reply that was stored before a crash is judged by the next sweep', async () => {
  await story.signal()
  const alarm = await story.expectSms('daughter', /^EMERGENCY/)
  await story.ports().incoming.record({
    providerId: 'SM7',
    from: PHONES.daughter,
    to: '',
    body: `1 ${alarm.code}`,
    sentAtMs: null,
  })
  await story.pass(15_000)
  await story.expectSms('daughter', /^You have it/)
  await story.expectSilence()
})
