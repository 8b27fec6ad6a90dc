import { afterEach, beforeEach, expect, test } from 'vitest'
import { openReport } from '../../core/replay/report.ts'
import { HOME } from '../../notify/testing/community.ts'
import { beginStory, type Story } from '../../notify/testing/story.ts'
import { replayIncidents } from '../../replay-incidents.ts'
import { deleteIncidentRecordBefore } from './log-upkeep-incidents.ts'

const DAY_MS = 86_400_000
const UNDER_WAY = ['pending', 'sending', 'unknown', 'accepted']

let story: Story
beforeEach(async () => {
  story = await beginStory()
  await story.start()
})
afterEach(() => story.end({ anyMessage: true }))

function daysAhead(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10)
}

async function pressAndAnswer(): Promise<void> {
  await story.signal()
  const alarm = await story.expectSms('daughter', /^EMERGENCY/)
  await alarm.thenReply(`1 ${alarm.code}`)
  await story.expectSms('daughter', /^You have it/)
  await story.sweep()
}

async function resolve(): Promise<void> {
  const incident = (await story.incidents()).at(-1)
  const by = await story.ports().incidents.findResponder(HOME, 'user:u1')
  if (!incident || !by) throw new Error('the story has lost its people')
  const closing = { type: 'Resolve', by, outcome: 'real', note: null, personSeenOrHeard: true } as const
  await story.running().escalation.submit(HOME, incident.id, closing)
  await story.expectSms('daughter', /./)
  // A receipt of it that came only after the clock's jump would tie the record before the jump to what comes after.
  const statuses = async () => (await story.outboxRows()).map(({ status }) => status)
  await expect.poll(async () => (await statuses()).filter((status) => UNDER_WAY.includes(status))).toEqual([])
  await story.sweep()
}

async function rowsOf(table: string): Promise<number> {
  const { rows } = await story.pool.query<{ count: number }>(`select count(*) from ${table} where home_id = '${HOME}'`)
  return rows[0]?.count ?? 0
}

async function replay() {
  const report = openReport()
  await replayIncidents({ database: story.pool, sealing: story.sealing, report }, { homeId: null })
  return report
}

test('what old incidents were made from goes, the incidents stay, and the rest replays the same', async () => {
  await pressAndAnswer()
  await resolve()
  await story.setClockAhead(40 * DAY_MS)
  await pressAndAnswer()
  await resolve()
  expect(await replay()).toMatchObject({ counts: { incidents: 2 }, differences: [] })
  const before = { passes: await rowsOf('escalation_pass'), events: await rowsOf('incident_event') }

  await deleteIncidentRecordBefore(story.pool, daysAhead(35))
  expect(await rowsOf('escalation_pass')).toBeLessThan(before.passes)
  expect(await rowsOf('incident_event')).toBe(before.events)
  expect(await story.incidents()).toHaveLength(2)
  const { rows } = await story.pool.query(
    `select
       (select count(*) from incident_input where created_at < $1) + (select count(*) from outbox where created_at < $1)
       + (select count(*) from escalation_facts f where not exists (select from escalation_pass p where p.facts_hash = f.facts_hash))
       + (select count(*) from incoming_message where received_at < $1) + (select count(*) from phone_code where given_at < $1)
       + (select count(*) from incident_link where expires_at < $1) as old`,
    [daysAhead(35)],
  )
  expect(rows).toEqual([{ old: 0 }])
  expect(await replay()).toMatchObject({ counts: { incidents: 1 }, differences: [] })
})

test('an incident that is still open keeps its record, however old', async () => {
  await pressAndAnswer()
  await story.setClockAhead(40 * DAY_MS)
  await story.sweep()
  const passes = await rowsOf('escalation_pass')
  await deleteIncidentRecordBefore(story.pool, daysAhead(35))
  expect(await rowsOf('escalation_pass')).toBe(passes)
  expect(await replay()).toMatchObject({ counts: { incidents: 1 }, differences: [] })
})
