import { expect, test } from 'vitest'
import { HOME, PHONES } from './testing/community.ts'
import { beginStory } from './testing/story.ts'

const PRESSES = 30
const RESTARTS = 3

/** Requests that fail in every way at random (seeded), and a platform that is killed again and again meanwhile. */
test('thirty alarms through a bad provider and three kills: each opens one incident, and each reaches the phone', async () => {
  const story = await beginStory()
  await story.start()
  for (let press = 0; press < PRESSES; press += 1) {
    const mode = ['http-500', 'drop-after-accept', 'rate-limit', 'no-receipts'][press % 4]
    await story.fault({ match: { to: PHONES.daughter }, mode, probability: 0.6, seed: press + 1 })
    await story.signal({ homeId: HOME, kind: 'technical', severity: 'critical', subject: `${press}` })
    if (press % (PRESSES / RESTARTS) === PRESSES / RESTARTS - 1) {
      story.kill()
      await story.start()
    }
  }
  await story.healthy()
  // A row that the killed had in hand is free after 15 s.
  await story.pass(20_000, 1_000)

  const incidents = await story.incidents()
  expect(incidents).toHaveLength(PRESSES)
  const arrived = (await story.phone('daughter')).map(({ body }) => body)
  const missing = incidents.filter(({ told }) => {
    const code = told.find(({ person }) => person.ref === 'contact:c1')?.code
    return !arrived.some((body) => body.includes(`Reply 1 ${code} =`))
  })
  expect(missing.map(({ id }) => id)).toEqual([])
  // Nobody gets one twice unless an outcome was unknown, and then it is counted.
  const duplicates = (await story.duplicates()).reduce((sum, { count }) => sum + count, 0)
  expect(arrived.length - PRESSES).toBeLessThanOrEqual(duplicates)
  await story.end({ anyMessage: true })
}, 60_000)
