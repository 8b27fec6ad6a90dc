import { describe, expect, it } from 'vitest'
import { NO_RECEIPT } from './input.ts'
import { beginStory, coordinator, daughter, factsOfHome, otherWorker, person, son, worker } from './story.ts'

describe('messages that have not left yet', () => {
  it('are taken back when somebody takes it, and only those', () => {
    const story = beginStory(factsOfHome(), { receipts: false })
    story.raise()
    story.receipt('MessageDelivered', daughter)
    story.until(90)
    story.take(worker)
    story.expectWithdrawn(2, 3)
    story.expectSms(
      '0 s: alarm → daughter',
      '45 s: alarm → son',
      '90 s: alarm → worker',
      '90 s: taken → daughter',
      '90 s: you-took → worker',
    )
  })

  it('are taken back when it is cancelled or closed', () => {
    const cancelled = beginStory(factsOfHome(), { receipts: false })
    cancelled.raise()
    cancelled.cancelled()
    cancelled.expectWithdrawn(1)
    const closed = beginStory(factsOfHome(), { receipts: false })
    closed.raise()
    closed.fold({ type: 'Resolve', by: worker, outcome: 'real', note: null, personSeenOrHeard: true })
    closed.expectWithdrawn(1)
    closed.expectSms('0 s: alarm → daughter')
  })

  it('are not sent a second time either when their outcome was unknown, and count as told', () => {
    const story = beginStory(factsOfHome(), { receipts: false })
    story.raise()
    story.receipt('MessageUnknown', daughter)
    story.take(worker)
    story.expectWithdrawn(1)
    story.expectSms('0 s: alarm → daughter', '0 s: taken → daughter', '0 s: you-took → worker')
  })

  it('are replaced by the next one to the same person, so that a provider that recovers sends one and not ten', () => {
    const story = beginStory(factsOfHome({ contacts: [daughter], onCall: [], supervisors: [] }), { receipts: false })
    story.raise()
    story.until(1200)
    story.expectSms('0 s: alarm → daughter', '600 s: alarm → daughter', '1200 s: alarm → daughter')
    story.expectWithdrawn(1, 2)
  })

  it('tell whoever got one after all how it ended', () => {
    const story = beginStory(factsOfHome(), { receipts: false })
    story.raise()
    story.fold({ type: 'Resolve', by: worker, outcome: 'real', note: null, personSeenOrHeard: true })
    story.receipt('MessageAccepted', daughter)
    story.expectSms('0 s: alarm → daughter', '0 s: already-resolved → daughter')
  })
})

describe('messages without a receipt', () => {
  it('bring the next person forward, and whoever may have read them still hears who has it', () => {
    const story = beginStory()
    story.raise()
    story.until(30)
    story.fail(daughter, true, NO_RECEIPT)
    story.take(worker)
    story.expectSms(
      '0 s: alarm → daughter',
      '30 s: alarm → son',
      '30 s: taken → daughter',
      '30 s: taken → son',
      '30 s: you-took → worker',
    )
  })
})

describe('messages that fail', () => {
  it('bring nobody forward when a later step has been told already', () => {
    const story = beginStory(factsOfHome(), { receipts: false })
    story.raise()
    story.until(45)
    story.fail(daughter)
    story.until(89)
    story.expectSms('0 s: alarm → daughter', '45 s: alarm → son')
  })

  it('do not count after their round, nor after a delivery', () => {
    const story = beginStory(factsOfHome({ onCall: [], supervisors: [] }))
    story.raise()
    story.receipt('MessageDelivered', daughter)
    story.fail(daughter)
    story.until(44)
    story.expectSms('0 s: alarm → daughter')
    expect(story.eventTypes()).not.toContain('MessageFailed')
  })

  it('of a person we know nothing of change nothing', () => {
    const story = beginStory()
    story.raise()
    const { incident } = story
    story.fail(otherWorker)
    story.fold({ type: 'MessageAccepted', outboxId: 'nobody.1', recipient: 'daughter' })
    expect(story.incident).toBe(incident)
  })
})

describe('one person in two roles', () => {
  it('gets one message for one moment', () => {
    const both = person('worker', 'social-worker')
    const story = beginStory(factsOfHome({ contacts: [], supervisors: [both], communityOnCall: [both, otherWorker] }))
    story.raise()
    story.until(1800)
    story.expectSms(
      '0 s: alarm → worker',
      '300 s: alarm → worker',
      '600 s: alarm → worker',
      '900 s: alarm → worker',
      '1200 s: alarm → worker',
      '1500 s: alarm → worker',
      '1800 s: alarm → worker',
      '1800 s: alarm → other-worker',
    )
  })
})

describe('codes', () => {
  it('stay the same for a person through the whole incident and are not those of the last 72 h', () => {
    const codes: number[] = []
    const free = 41
    const used = Array.from({ length: 90 }, (_, index) => index + 10).filter((code) => code !== free)
    const story = beginStory(factsOfHome({ usedCodes: { daughter: used } }))
    story.raise()
    story.until(1200)
    codes.push(...story.incident.told.map(({ code }) => code))
    expect(story.incident.told.map(({ person: { ref } }) => ref)).toEqual(['daughter', 'son', 'worker', 'coordinator'])
    expect(codes[0]).toBe(free)
    for (const code of codes) expect(code >= 10 && code <= 99).toBe(true)
  })

  it('are none that read like an emergency number where the space is lost: 1 19 is 119', () => {
    const free = [10, 12, 19, 20, 22]
    const used = Array.from({ length: 90 }, (_, index) => index + 10).filter((code) => !free.includes(code))
    for (const codes of [used, [...free, ...used]]) {
      const story = beginStory(factsOfHome({ usedCodes: { daughter: codes } }))
      story.raise()
      expect(story.incident.told[0]?.code).toBe(11)
    }
  })

  it('when all were given, the one given longest ago comes again', () => {
    const used = Array.from({ length: 90 }, (_, index) => 99 - index)
    const story = beginStory(factsOfHome({ usedCodes: { daughter: used } }))
    story.raise()
    expect(story.incident.told[0]?.code).toBe(99)
  })
})

describe('the order of persons', () => {
  it.each([
    ['keyholder first, whatever the order of contacts', [son, daughter], ['daughter', 'son']],
    [
      'a second keyholder before other family',
      [son, daughter, person('niece', 'family-keyholder')],
      ['daughter', 'niece'],
    ],
    ['family before a neighbour', [person('neighbour', 'neighbour'), son, daughter], ['daughter', 'son']],
  ])('%s', (_, contacts, expected) => {
    const story = beginStory(factsOfHome({ contacts, supervisors: [coordinator] }))
    story.raise()
    story.until(45)
    expect(story.incident.told.map(({ person: { ref } }) => ref)).toEqual(expected)
  })
})
