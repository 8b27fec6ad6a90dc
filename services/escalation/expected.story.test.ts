import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HOME } from '../notify/testing/community.ts'
import type { Ports } from '../notify/testing/real-ports.ts'
import { writeSignal } from '../notify/testing/signals.ts'
import { beginStory, type Story } from '../notify/testing/story.ts'

let story: Story
beforeEach(async () => {
  story = await beginStory()
})
afterEach(() => story.end())

/** Counts the reads of the home; `oldMs`: the machine's clock goes on by so much with each, and stands otherwise. */
function countingReads(oldMs = 0) {
  const first = Promise.withResolvers<void>()
  const reads = { count: 0, first: first.promise }
  const change = ({ incidents, clock }: Ports): Partial<Ports> => ({
    clock: { ...clock, monotonicMs: () => reads.count * oldMs },
    incidents: {
      ...incidents,
      async readHome(homeId) {
        reads.count += 1
        const view = await incidents.readHome(homeId)
        first.resolve()
        return view
      },
    },
  })
  return { reads, change }
}

/** As the rules would: the home is expected while its signal is being written. */
async function expectAndWrite() {
  story.running().escalation.expect(HOME)
  return writeSignal(story.pool, HOME, {})
}

test('an alarm that was expected is told with one read of its home', async () => {
  const { reads, change } = countingReads()
  await story.start(change)
  const raised = await expectAndWrite()
  await reads.first
  story.running().escalation.take([raised])
  await story.expectSms('daughter', /^EMERGENCY/)
  expect(reads.count).toBe(1)
  await story.expectSilence()
})

test('what was read too long ago is read anew', async () => {
  const { reads, change } = countingReads(2_000)
  await story.start(change)
  story.running().escalation.take([await expectAndWrite()])
  await story.expectSms('daughter', /^EMERGENCY/)
  expect(reads.count).toBe(2)
  await story.expectSilence()
})

test('who folds the home meanwhile is found out: one incident, one message', async () => {
  await story.start()
  const other = await story.startPlatform()
  const raised = await expectAndWrite()
  await other.escalation.onHint(HOME)
  story.running().escalation.take([raised])
  await story.expectSms('daughter', /^EMERGENCY/)
  await story.expectSilence()
  expect(await story.incidents()).toHaveLength(1)
  await other.notify.close()
  await other.escalation.close()
})

test('whoever waits for the same pass has more folded than what was handed over', async () => {
  const held = Promise.withResolvers<void>()
  const committed = Promise.withResolvers<void>()
  await story.start(({ incidents }) => ({
    incidents: {
      ...incidents,
      async commit(commit, claim) {
        const claimed = await incidents.commit(commit, claim)
        committed.resolve()
        await held.promise
        return claimed
      },
    },
  }))
  const { escalation } = story.running()
  await story.signal({}, { hinted: false })
  const first = escalation.onHint(HOME)
  await committed.promise
  // A pass is in hand; both of these are for the next one.
  const raised = await expectAndWrite()
  await sleep(50)
  await writeSignal(story.pool, HOME, { kind: 'smoke', why: { code: 'smoke-alarm', values: {} } })
  escalation.take([raised])
  const asked = escalation.onHint(HOME)
  held.resolve()
  await Promise.all([first, asked])
  const { rows } = await story.pool.query(
    "select input_id from incident_input where applied_at is null and body ->> 'type' = 'SignalReceived'",
  )
  expect(rows).toEqual([])
  for (let told = 0; told < 2; told += 1) await story.expectSms('daughter', /^EMERGENCY/)
  await story.expectSms('worker', /^EMERGENCY/)
  await story.expectSilence()
})

test('what was written before a signal is folded before it, though nobody handed it over', async () => {
  await story.start()
  await story.signal()
  await story.expectSms('daughter', /^EMERGENCY/)
  await story.sweep()
  const { escalation } = story.running()
  escalation.expect(HOME)
  await sleep(100)
  // The cancel of the first press by another worker of the rules; then the second press by ours.
  await writeSignal(story.pool, HOME, { type: 'ConditionCancelled' })
  escalation.take([await writeSignal(story.pool, HOME, {})])
  await escalation.drain()
  const [first, second] = await story.incidents()
  expect([first?.status, second?.status]).toEqual(['resolved', 'open'])
  await story.expectSms('daughter', /^EMERGENCY/)
  await story.expectSms('daughter', /^Cancelled/)
  await story.expectSilence()
})
