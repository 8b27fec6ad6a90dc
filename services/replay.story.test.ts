import { afterEach, beforeEach, expect, test } from 'vitest'
import { HOME, OTHER_HOME } from './notify/testing/community.ts'
import { beginLife, type ReplayLife } from './testing/replay-life.ts'

let life: ReplayLife
beforeEach(async () => {
  life = await beginLife()
})
afterEach(() => life.end({ anyMessage: true }))

const press = (homeId: string, id: string) => ({
  homeId,
  deviceId: 'sos-bath',
  channel: 'event' as const,
  payload: JSON.stringify({ id, kind: 'sos', state: 'pressed' }),
})

test('a press, its duplicate and an answer, replayed: the same', async () => {
  await life.start()
  const rules = await life.startRules()
  await life.say(press(HOME, '1'), { ...press(HOME, '1'), dup: true })
  await life.say({ homeId: HOME, deviceId: 'sos-bath', channel: 'telemetry', payload: 'not json' })
  await rules.processAll()
  await life.sweep()
  await life.setClockAhead(1_000)
  await life.sweep()
  await life.answer('daughter', '1')
  await life.sweep()
  await life.say(press(OTHER_HOME, '1'))
  await rules.processAll()
  await life.setClockAhead(1_000)
  await life.sweep()
  const report = await life.replay()
  expect(report.differences).toEqual([])
  expect(report.counts).toEqual({
    homes: 2,
    rows: 4,
    signals: 2,
    passes: expect.any(Number),
    incidents: 2,
    messages: 3,
  })
  await rules.close()
})
