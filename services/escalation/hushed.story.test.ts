import { afterEach, beforeEach, expect, test } from 'vitest'
import { Hush } from '../core/hush.ts'
import { machineClock, silent } from '../notify/testing/quiet-ports.ts'
import { beginStory, type Story } from '../notify/testing/story.ts'
import { startEscalation } from './escalation.ts'

let story: Story
beforeEach(async () => {
  story = await beginStory()
})
afterEach(() => story.end({ anyMessage: true }))

test('while an alarm is on its way no sweep begins with a home', async () => {
  const hush = new Hush()
  const { incidents } = story.ports()
  const hushedMsAtRead: number[] = []
  const escalation = await startEscalation({
    incidents: {
      ...incidents,
      async dueHomes(asked) {
        const homes = await incidents.dueHomes({ ...asked, waitedMs: 0 })
        expect(hush.begin(machineClock.monotonicMs())).toBe(true)
        return homes
      },
      readHome(homeId, drawIds) {
        hushedMsAtRead.push(hush.leftMs(machineClock.monotonicMs()))
        return incidents.readHome(homeId, drawIds)
      },
    },
    hush,
    hints: { hint: () => undefined },
    clock: machineClock,
    log: silent,
    metrics: { gauge() {}, observe() {}, count() {} },
    publicUrl: 'https://anlin.example',
    linkToken: (outboxId) => outboxId,
  })
  await story.signal()
  await escalation.sweep()
  await escalation.close()
  expect(hushedMsAtRead).toHaveLength(1)
  expect(hushedMsAtRead[0]).toBeLessThan(5)
  expect((await story.incidents()).map(({ kind }) => kind)).toEqual(['sos'])
})
