import { afterEach, beforeEach, expect, test } from 'vitest'
import { HOME, OTHER_HOME } from '../../notify/testing/community.ts'
import { beginStory, type Story } from '../../notify/testing/story.ts'
import { findLink } from './incident-links.ts'
import { type IncidentFilter, listIncidents, readIncident } from './incident-views.ts'

const EVERYTHING: IncidentFilter = {
  homeIds: null,
  status: null,
  kind: null,
  fromMs: null,
  toMs: null,
  cursor: null,
  limit: 50,
}

let story: Story
beforeEach(async () => {
  story = await beginStory()
  await story.start()
})
afterEach(() => story.end())

test('an incident is shown with who was told, who is next, and its story', async () => {
  await story.signal()
  const alarm = await story.expectSms('daughter', /^EMERGENCY/)
  await story.sweep()
  const [listed] = (await listIncidents(story.pool, EVERYTHING)).items
  expect(listed).toMatchObject({
    homeId: HOME,
    homeLabel: 'Bldg 3-502',
    kind: 'sos',
    status: 'open',
    takenBy: null,
    nextStep: { who: 'Chen Bo' },
    pressCount: 1,
    deviceId: 'sos-bath',
    room: 'bathroom',
    why: { code: 'sos-pressed' },
    told: [{ name: 'Chen Mei', role: 'family-keyholder', status: expect.stringMatching(/accepted|delivered/) }],
  })
  await alarm.thenReply('1')
  await story.expectSms('daughter', /^You have it/)
  const taken = await readIncident(story.pool, listed?.id ?? '')
  expect(taken).toMatchObject({
    status: 'acknowledged',
    takenBy: { id: 'contact:c1', name: 'Chen Mei' },
    takenByFamily: true,
    nextStep: null,
  })
  expect(taken?.timeline.map(({ type }) => type)).toEqual(['Opened', 'Told', 'Taken'])
  expect(await readIncident(story.pool, 'nowhere.1')).toBeNull()
})

test('lists are cut into pages and filtered by home, state, kind and time', async () => {
  for (const subject of ['a', 'b', 'c']) {
    await story.signal({ kind: 'technical', severity: 'technical', subject })
    await story.setClockAhead(1_000)
  }
  await story.signal({ kind: 'technical', severity: 'technical', subject: 'd', homeId: OTHER_HOME })
  const subjects: (string | null)[] = []
  let cursor: string | null = null
  do {
    const page = await listIncidents(story.pool, { ...EVERYTHING, cursor, limit: 2 })
    expect(page.items.length).toBeLessThanOrEqual(2)
    subjects.push(...page.items.map(({ subject }) => subject))
    cursor = page.nextCursor
  } while (cursor !== null)
  expect(subjects).toEqual(['d', 'c', 'b', 'a'])

  const found = async (filter: Partial<IncidentFilter>) =>
    (await listIncidents(story.pool, { ...EVERYTHING, ...filter })).items.map(({ subject }) => subject)
  expect(await found({ homeIds: [OTHER_HOME] })).toEqual(['d'])
  expect(await found({ homeIds: [] })).toEqual([])
  expect(await found({ status: ['resolved'] })).toEqual([])
  expect(await found({ status: ['open'], kind: 'technical' })).toHaveLength(4)
  expect(await found({ kind: 'sos' })).toEqual([])
  const [newest] = (await listIncidents(story.pool, EVERYTHING)).items
  expect(await found({ fromMs: Date.parse(newest?.openedAt ?? '') })).toEqual(['d'])
  expect(await found({ toMs: Date.parse(newest?.openedAt ?? '') })).toEqual(['c', 'b', 'a'])
  expect(await found({ cursor: 'nonsense' })).toHaveLength(4)
})

test('an incident of the platform itself belongs to no home', async () => {
  await story.signal({ homeId: '-', kind: 'technical', severity: 'technical', subject: 'clock' })
  const { items } = await listIncidents(story.pool, EVERYTHING)
  expect(items).toMatchObject([{ homeId: null, homeLabel: null, kind: 'technical', subject: 'clock', told: [] }])
  expect(await readIncident(story.pool, items[0]?.id ?? '')).toMatchObject({ homeId: null })
})

test('the link in a message says whose it is, for 72 hours', async () => {
  await story.signal()
  const { body } = await story.expectSms('daughter', /^EMERGENCY/)
  const token = /\/a\/([\w-]+)$/.exec(body)?.[1] ?? ''
  const [incident] = await story.incidents()
  expect(await findLink(story.pool, story.sealing, token)).toEqual({
    homeId: HOME,
    incidentId: incident?.id,
    recipient: 'contact:c1',
  })
  expect(await findLink(story.pool, story.sealing, `${token}x`)).toBeNull()
  await story.setClockAhead(73 * 3_600_000)
  expect(await findLink(story.pool, story.sealing, token)).toBeNull()
})
