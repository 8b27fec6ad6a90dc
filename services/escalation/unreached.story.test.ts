import { afterEach, beforeEach, expect, test } from 'vitest'
import { Hush } from '../core/hush.ts'
import { HOME } from '../notify/testing/community.ts'
import { machineClock, silent } from '../notify/testing/quiet-ports.ts'
import { beginStory, type Story } from '../notify/testing/story.ts'
import { startEscalation } from './escalation.ts'

let story: Story
beforeEach(async () => {
  story = await beginStory()
})
afterEach(() => story.end())

/** What one press makes the escalation say and count. */
async function press(): Promise<{ said: unknown[]; counted: unknown[] }> {
  const said: unknown[] = []
  const counted: unknown[] = []
  const say = (fields: unknown, message: string) => said.push([message.split(':')[0], fields])
  const escalation = await startEscalation({
    incidents: story.ports().incidents,
    hush: new Hush(),
    hints: { hint: () => undefined },
    clock: machineClock,
    log: { ...silent, warn: say, error: say },
    metrics: { gauge() {}, observe() {}, count: (name, _by, labels) => counted.push([name, labels]) },
    publicUrl: 'https://anlin.example',
    linkToken: (outboxId) => outboxId,
  })
  await story.signal()
  await escalation.onHint(HOME)
  await escalation.close()
  return { said, counted }
}

test('a step that nobody stands for is said and counted at once, though the next one reaches somebody', async () => {
  await story.pool.query('update contact set removed_at = now()')
  const { said, counted } = await press()
  const incidentId = (await story.incidents())[0]?.id
  const fields = (target: string) => ({ homeId: HOME, incidentId, target, reason: 'nobody-assigned' })
  expect(said).toEqual([
    ['a step of an escalation had nobody to tell', fields('keyholder')],
    ['a step of an escalation had nobody to tell', fields('second-contact')],
  ])
  expect(counted).toEqual([
    ['anlin_steps_without_people_total', { reason: 'nobody-assigned' }],
    ['anlin_steps_without_people_total', { reason: 'nobody-assigned' }],
  ])
  expect((await story.outboxRows()).map(({ recipient }) => recipient)).toEqual(['user:u1'])
})

test('people without a phone are as good as nobody; whoever declined is not', async () => {
  await story.pool.query('update contact set removed_at = now()')
  await story.pool.query("update app_user set phone_sealed = null, phone_hash = null where user_id = 'u1'")
  const { counted } = await press()
  expect(counted).toContainEqual(['anlin_steps_without_people_total', { reason: 'nobody-reachable' }])
  expect((await story.outboxRows()).map(({ recipient }) => recipient)).toEqual(['user:u2'])
})
