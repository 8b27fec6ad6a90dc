import { describe, expect, it } from 'vitest'
import { DEFAULT_POLICIES } from '../escalation/policy.ts'
import {
  beginStory,
  coordinator,
  daughter,
  factsOfHome,
  otherWorker,
  person,
  son,
  withCriticalPolicy,
} from './story.ts'

describe('the default policy, when nobody answers', () => {
  it('tells keyholder, second family, worker, supervisor in each of three rounds, and then goes on for ever', () => {
    const story = beginStory()
    story.raise()
    story.until(3600)
    story.expectSms(
      '0 s: alarm → daughter',
      '45 s: alarm → son',
      '90 s: alarm → worker',
      '300 s: alarm → coordinator',
      '600 s: alarm → daughter',
      '645 s: alarm → son',
      '690 s: alarm → worker',
      '900 s: alarm → coordinator',
      '1200 s: alarm → daughter',
      '1245 s: alarm → son',
      '1290 s: alarm → worker',
      '1500 s: alarm → coordinator',
      '1800 s: alarm → coordinator',
      '1800 s: alarm → worker',
      '1800 s: alarm → other-worker',
      '2400 s: alarm → coordinator',
      '2400 s: alarm → worker',
      '2400 s: alarm → other-worker',
      '3000 s: alarm → coordinator',
      '3000 s: alarm → worker',
      '3000 s: alarm → other-worker',
      '3600 s: alarm → coordinator',
      '3600 s: alarm → worker',
      '3600 s: alarm → other-worker',
    )
    story.until(86_400)
    expect(story.incident.wakeAt).toBe(86_400_000 + 600_000)
  })

  it.each(['smoke', 'gas', 'co'] as const)('tells family and worker of %s in parallel', (kind) => {
    const story = beginStory()
    story.raise({ kind })
    story.until(599)
    story.expectSms('0 s: alarm → daughter', '0 s: alarm → worker', '45 s: alarm → son', '300 s: alarm → coordinator')
  })

  it('tells of a warning more slowly, twice, and then leaves it to the desk', () => {
    const story = beginStory()
    story.raise({ kind: 'bed-exit', severity: 'warning' })
    story.until(86_400)
    story.expectSms(
      '0 s: alarm → daughter',
      '300 s: alarm → son',
      '900 s: alarm → worker',
      '2700 s: alarm → coordinator',
      '3600 s: alarm → daughter',
      '3900 s: alarm → son',
      '4500 s: alarm → worker',
      '6300 s: alarm → coordinator',
    )
    expect(story.eventTypes().at(-1)).toBe('EscalationEnded')
    expect(story.incident).toMatchObject({ status: 'open', wakeAt: null })
  })

  it('shows a technical fault at the desk only', () => {
    const story = beginStory()
    story.raise({ kind: 'technical', severity: 'technical' })
    story.until(86_400)
    story.expectSms()
    expect(story.home).toEqual([])
    expect(story.incident).toMatchObject({ status: 'open', wakeAt: null })
  })

  it.each([
    [0, ['0 s: alarm → coordinator', '0 s: alarm → worker', '0 s: alarm → other-worker', '600 s: alarm → coordinator']],
    [1, ['0 s: alarm → daughter', '300 s: alarm → coordinator', '600 s: alarm → coordinator', '600 s: alarm → worker']],
    [
      2,
      ['0 s: alarm → daughter', '300 s: alarm → coordinator', '600 s: alarm → daughter', '900 s: alarm → coordinator'],
    ],
  ])('with %i rounds comes to the last resort after so many', (rounds, first) => {
    const [keyholder, , , supervisor] = DEFAULT_POLICIES.critical.steps
    const steps = keyholder && supervisor ? [keyholder, supervisor] : []
    const story = beginStory(factsOfHome({ policies: withCriticalPolicy({ rounds, steps }) }))
    story.raise()
    story.until(600 * rounds + 600)
    const told = story.events.filter(({ type }) => type === 'Told')
    expect(told.length).toBe(rounds * 2 + 4)
    expect(story.incident.position.round).toBe(rounds + 2)
    const all = story.events.flatMap((event) =>
      event.type === 'Told' ? event.people.map(({ ref }) => `${event.at / 1000} s: alarm → ${ref}`) : [],
    )
    expect(all.slice(0, first.length)).toEqual(first)
    expect(all.at(-1)).toBe(`${600 * rounds + 600} s: alarm → other-worker`)
  })

  it('never ends a critical incident, whatever the settings say', () => {
    const policies = withCriticalPolicy({ rounds: 0, steps: [], lastResort: null })
    const story = beginStory(factsOfHome({ policies }))
    story.raise()
    story.until(600)
    story.expectSms(
      '0 s: alarm → coordinator',
      '0 s: alarm → worker',
      '0 s: alarm → other-worker',
      '600 s: alarm → coordinator',
      '600 s: alarm → worker',
      '600 s: alarm → other-worker',
    )
  })

  it('keeps the policy it opened with when the settings change', () => {
    const story = beginStory()
    story.raise()
    story.facts.policies = withCriticalPolicy({ steps: [], rounds: 0 })
    story.until(45)
    story.expectSms('0 s: alarm → daughter', '45 s: alarm → son')
  })

  it('after a time away does what is overdue at once, and keeps the pause before the next round', () => {
    const story = beginStory()
    story.raise()
    story.awayUntil(3000)
    story.until(3299)
    story.expectSms(
      '0 s: alarm → daughter',
      '3000 s: alarm → son',
      '3000 s: alarm → worker',
      '3000 s: alarm → coordinator',
    )
    story.until(3300)
    story.expectSms('3300 s: alarm → daughter')
  })
})

describe('when somebody cannot be told', () => {
  it('goes to the next step at once where a step has nobody, and says so', () => {
    const story = beginStory(factsOfHome({ contacts: [] }))
    story.raise()
    story.until(300)
    story.expectSms('0 s: alarm → worker', '300 s: alarm → coordinator')
    expect(story.events.filter(({ type }) => type === 'StepSkipped')).toMatchObject([
      { target: 'keyholder', reason: 'nobody-assigned' },
      { target: 'second-contact', reason: 'nobody-assigned' },
    ])
  })

  it('tells a neighbour, or else the property manager, of an emergency where there is no second family member', () => {
    const neighbour = person('neighbour', 'neighbour')
    const manager = person('manager', 'property-manager')
    const story = beginStory(factsOfHome({ contacts: [daughter, neighbour, manager] }))
    story.raise()
    story.until(89)
    story.expectSms('0 s: alarm → daughter', '45 s: alarm → neighbour')
    const warned = beginStory(factsOfHome({ contacts: [daughter, manager] }))
    warned.raise({ kind: 'vitals', severity: 'warning' })
    warned.until(900)
    warned.expectSms('0 s: alarm → daughter', '300 s: alarm → worker')
    const family = beginStory(factsOfHome({ contacts: [daughter, son, neighbour] }))
    family.raise()
    family.until(89)
    family.expectSms('0 s: alarm → daughter', '45 s: alarm → son')
  })

  it('asks the on-call workers of the whole community at once when nobody of the home and its cell is there', () => {
    const story = beginStory(factsOfHome({ contacts: [], onCall: [], supervisors: [] }))
    story.raise()
    story.until(599)
    story.expectSms('0 s: alarm → worker', '0 s: alarm → other-worker')
    expect(story.eventTypes()).not.toContain('NobodyReachable')
  })

  it('does not let a missing keyholder cost the second family its time, also when the worker is told in parallel', () => {
    const story = beginStory(factsOfHome({ contacts: [person('son', 'family')] }))
    story.raise({ kind: 'smoke' })
    story.until(299)
    story.expectSms('0 s: alarm → worker', '0 s: alarm → son')
  })

  it('comes to the supervisor at once when nobody before has a phone', () => {
    const deaf = { hasPhone: false }
    const contacts = [person('daughter', 'family-keyholder', deaf), person('son', 'family', deaf)]
    const story = beginStory(factsOfHome({ contacts, onCall: [person('worker', 'social-worker', deaf)] }))
    story.raise()
    story.until(599)
    story.expectSms('0 s: alarm → coordinator')
    expect(story.events.filter(({ type }) => type === 'StepSkipped')).toHaveLength(3)
    expect(story.eventTypes()).not.toContain('NobodyReachable')
  })

  it('keeps its due time when there is nobody at all, and says that nobody is reachable', () => {
    const story = beginStory(factsOfHome({ contacts: [], onCall: [], supervisors: [], communityOnCall: [] }))
    story.raise()
    expect(story.eventTypes().at(-1)).toBe('NobodyReachable')
    expect(story.incident.wakeAt).toBe(600_000)
    story.until(2400)
    story.expectSms()
    expect(story.eventTypes().filter((type) => type === 'NobodyReachable')).toHaveLength(5)
    expect(story.incident.wakeAt).toBe(3_000_000)
  })

  it('tells the next person now when the message fails for good, even late', () => {
    const story = beginStory()
    story.raise()
    story.until(5)
    story.fail(story.facts.contacts[0] ?? coordinator, false)
    story.expectSms('0 s: alarm → daughter')
    story.fail(story.facts.contacts[0] ?? coordinator)
    story.until(90)
    story.expectSms('5 s: alarm → son', '90 s: alarm → worker')
    expect(story.eventTypes()).toContain('StepFailed')
  })

  it('waits for the rest of a step while one of its people may still be reached', () => {
    const story = beginStory(factsOfHome({ contacts: [], onCall: [otherWorker, person('worker', 'social-worker')] }))
    story.raise()
    story.fail(otherWorker)
    story.until(299)
    story.expectSms('0 s: alarm → other-worker', '0 s: alarm → worker')
  })

  it('asks the last resort at once when every message of a round fails', () => {
    const story = beginStory(factsOfHome({ contacts: [], onCall: [], communityOnCall: [otherWorker] }))
    story.raise()
    story.fail(coordinator)
    story.expectSms('0 s: alarm → coordinator', '0 s: alarm → coordinator', '0 s: alarm → other-worker')
    story.until(600)
    story.expectSms('600 s: alarm → coordinator')
  })
})
