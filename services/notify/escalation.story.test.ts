import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Person, PHONES } from './testing/community.ts'
import { beginStory, type Story } from './testing/story.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000

let story: Story
beforeEach(async () => {
  story = await beginStory()
  await story.start()
})
afterEach(() => story.end())

describe('from a press to a person who has it', () => {
  test('the keyholder takes it and is told so', async () => {
    await story.signal()
    const alarm = await story.expectSms('daughter', /^EMERGENCY Bldg 3-502 bathroom: help button/)
    await alarm.thenReply('1')
    await story.expectSms('daughter', /^You have it/)
    await story.expectSilence()
    expect((await story.incidents()).map(({ status, takenBy }) => [status, takenBy?.name])).toEqual([
      ['acknowledged', 'Chen Mei'],
    ])
  })

  test('nobody answers until the on-call worker does, and everybody told learns who has it', async () => {
    await story.signal()
    await story.expectSms('daughter', /^EMERGENCY/)
    await story.pass(45 * SECOND_MS)
    await story.expectSms('son', /^EMERGENCY/)
    await story.pass(45 * SECOND_MS)
    const alarm = await story.expectSms('worker', /^EMERGENCY.*1 min untaken/)
    await alarm.thenReply('1')
    await story.expectSms('worker', /^You have it/)
    await story.expectSms('daughter', /^Li Na has it/)
    await story.expectSms('son', /^Li Na has it/)
    await story.pass(5 * MINUTE_MS)
    await story.expectSilence()
  })

  test('somebody who cannot come makes it the next one’s turn now', async () => {
    await story.signal()
    const alarm = await story.expectSms('daughter', /^EMERGENCY/)
    await alarm.thenReply(`2 ${alarm.code}`)
    await story.expectSms('daughter', /^Noted, you can't go/)
    await story.expectSms('son', /^EMERGENCY/)
    await story.expectSilence()
  })

  test('smoke reaches the worker at once, beside the family', async () => {
    await story.signal({
      kind: 'smoke',
      deviceId: 'smoke-1',
      deviceKind: 'smoke-detector',
      why: { code: 'smoke-alarm', values: {} },
    })
    await story.expectSms('daughter', /^EMERGENCY.*smoke alarm.*119/)
    await story.expectSms('worker', /^EMERGENCY.*smoke alarm.*119/)
    await story.expectSilence()
  })

  test('a battery makes an incident and no noise', async () => {
    await story.signal({
      kind: 'technical',
      severity: 'technical',
      subject: 'sos-bath:battery',
      why: { code: 'battery-low', values: { percent: 18 } },
    })
    await story.expectSilence()
    expect((await story.incidents()).map(({ kind, status }) => [kind, status])).toEqual([['technical', 'open']])
  })
})

test('the whole default policy: three rounds and past them, nobody answering', async () => {
  await story.signal()
  const names = Object.fromEntries(Object.entries(PHONES).map(([name, number]) => [number, name as Person]))
  const told: [minute: number, person: Person | undefined][] = []
  // A row belongs to the step that wrote it: the story's time has gone on with ours, so its own says more than that.
  for (let minute = 0; minute <= 55; minute += 0.25) {
    if (minute > 0) await story.setClockAhead(MINUTE_MS / 4)
    await story.sweep()
    const { rows } = await story.pool.query<{ phone_sealed: Buffer }>(
      'select phone_sealed from outbox order by created_at, outbox_id offset $1',
      [told.length],
    )
    for (const row of rows) told.push([minute, names[story.sealing.open(row.phone_sealed)]])
  }
  const round = (start: number) => [
    [start, 'daughter'],
    [start + 0.75, 'son'],
    [start + 1.5, 'worker'],
    [start + 5, 'coordinator'],
  ]
  const lastResort = (at: number) => [
    [at, 'coordinator'],
    [at, 'worker'],
  ]
  expect(told).toEqual([
    ...round(0),
    ...round(10),
    ...round(20),
    ...lastResort(30),
    ...lastResort(40),
    ...lastResort(50),
  ])
  // What was written is what arrived, and nothing else.
  for (const [, person] of told) await story.expectSms(person as Person, /^EMERGENCY Bldg 3-502/)
  await story.expectSilence()
})
