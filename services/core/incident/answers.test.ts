import { describe, expect, it } from 'vitest'
import { beginStory, coordinator, daughter, factsOfHome, otherWorker, person, son, worker } from './story.ts'

describe('somebody takes it', () => {
  it('stops the escalation, tells those already told, confirms to the taker, and tells the home', () => {
    const story = beginStory()
    story.raise()
    story.until(91)
    expect(story.take(worker)).toEqual({ type: 'accepted' })
    story.until(600)
    story.expectSms(
      '0 s: alarm → daughter',
      '45 s: alarm → son',
      '90 s: alarm → worker',
      '91 s: taken → daughter',
      '91 s: taken → son',
      '91 s: you-took → worker',
    )
    expect(story.home).toEqual(['open', 'acknowledged by worker'])
    expect(story.incident).toMatchObject({ status: 'acknowledged', takenBy: { ref: 'worker', via: 'sms' } })
  })

  it('takes back a message that has not left, and brings its receiver up to date should it have left after all', () => {
    const story = beginStory(factsOfHome(), { receipts: false })
    story.raise()
    story.receipt('MessageAccepted', daughter)
    story.until(50)
    story.take(daughter)
    story.expectSms('0 s: alarm → daughter', '45 s: alarm → son', '50 s: you-took → daughter')
    story.receipt('MessageAccepted', son)
    story.receipt('MessageDelivered', son)
    story.expectSms('50 s: taken → son')
  })

  it('tells those whose message may have arrived', () => {
    const story = beginStory(factsOfHome(), { receipts: false })
    story.raise()
    story.receipt('MessageUnknown', daughter)
    story.take(worker, 'api')
    story.expectSms('0 s: alarm → daughter', '0 s: taken → daughter')
  })

  it('changes nothing when the same person takes it twice', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    const { incident } = story
    story.expectSms('0 s: alarm → daughter', '0 s: you-took → daughter')
    expect(story.take(daughter)).toEqual({ type: 'accepted' })
    expect(story.incident).toBe(incident)
    story.expectSms()
  })

  it('tells a second taker who already has it; they can join', () => {
    const story = beginStory()
    story.raise()
    story.until(45)
    story.take(daughter, 'link')
    story.expectSms('0 s: alarm → daughter', '45 s: alarm → son', '45 s: taken → son', '45 s: you-took → daughter')
    expect(story.take(son)).toMatchObject({ type: 'alreadyTaken', by: { ref: 'daughter', at: 45_000 } })
    story.expectSms('45 s: already-taken → son')
    expect(story.take(worker, 'api')).toMatchObject({ type: 'alreadyTaken' })
    story.expectSms()
    expect(story.fold({ type: 'Join', by: son })).toEqual({ type: 'accepted' })
    story.fold({ type: 'Join', by: son })
    expect(story.incident.joined).toEqual([{ ref: 'son', name: 'son', role: 'family' }])
  })

  it('stays silently at the desk when family has taken an SOS, until they arrive', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    expect(story.incident.silentAtDesk).toBe(true)
    story.fold({ type: 'Arrived', by: daughter })
    expect(story.incident.silentAtDesk).toBe(false)
  })

  it('does not when a worker has taken it, or when it is no emergency of that kind', () => {
    const byWorker = beginStory()
    byWorker.raise()
    byWorker.take(worker)
    expect(byWorker.incident.silentAtDesk).toBe(false)
    const bedExit = beginStory()
    bedExit.raise({ kind: 'bed-exit', severity: 'warning' })
    bedExit.take(daughter)
    expect(bedExit.incident.silentAtDesk).toBe(false)
  })

  it('is handed over only when the other one takes it', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    story.expectSms('0 s: alarm → daughter', '0 s: you-took → daughter')
    expect(story.fold({ type: 'HandOver', by: daughter, to: worker })).toEqual({ type: 'accepted' })
    expect(story.incident.takenBy?.ref).toBe('daughter')
    story.take(worker)
    story.expectSms('0 s: hand-over → worker', '0 s: taken → daughter', '0 s: you-took → worker')
    expect(story.incident.takenBy?.ref).toBe('worker')
    expect(story.eventTypes()).toContain('HandedOver')
  })
})

describe('somebody cannot come', () => {
  it('goes to the next person at once when the whole step cannot', () => {
    const story = beginStory()
    story.raise()
    story.until(10)
    story.fold({ type: 'CannotCome', by: daughter, via: 'sms' })
    story.fold({ type: 'CannotCome', by: daughter, via: 'sms' })
    story.until(90)
    story.expectSms(
      '0 s: alarm → daughter',
      '10 s: cannot-noted → daughter',
      '10 s: alarm → son',
      '90 s: alarm → worker',
    )
    story.until(600)
    story.expectSms('300 s: alarm → coordinator', '600 s: alarm → daughter')
  })

  it('opens it again when the one who took it cannot', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    story.until(30)
    story.fold({ type: 'CannotCome', by: daughter, via: 'sms' })
    story.expectSms(
      '0 s: alarm → daughter',
      '0 s: you-took → daughter',
      '30 s: cannot-noted → daughter',
      '30 s: alarm → son',
    )
    expect(story.incident).toMatchObject({ status: 'open', takenBy: null, takenBefore: { ref: 'daughter' } })
    expect(story.home).toEqual(['open', 'acknowledged by daughter', 'open'])
    story.until(75)
    story.expectSms('75 s: alarm → worker')
  })
})

describe('it ends', () => {
  it('closes a critical incident only for somebody who has seen or heard the person', () => {
    const story = beginStory()
    story.raise()
    story.take(worker)
    const closing = { type: 'Resolve', by: worker, outcome: 'false-alarm', note: null } as const
    expect(story.fold({ ...closing, personSeenOrHeard: false })).toEqual({
      type: 'notAllowed',
      reason: 'person-not-seen',
    })
    expect(story.incident.status).toBe('acknowledged')
    expect(story.fold({ ...closing, personSeenOrHeard: true })).toEqual({ type: 'accepted' })
    story.until(7200)
    story.expectSms(
      '0 s: alarm → daughter',
      '0 s: taken → daughter',
      '0 s: you-took → worker',
      '0 s: resolved → daughter',
    )
    expect(story.incident).toMatchObject({ status: 'resolved', outcome: 'false-alarm', wakeAt: null })
    expect(story.home.at(-1)).toBe('resolved by worker')
  })

  it('resolved wins over a late take, and a new press is a new incident', () => {
    const story = beginStory()
    story.raise()
    story.fold({ type: 'Resolve', by: worker, outcome: 'real', note: 'tea', personSeenOrHeard: true })
    const { incident: closed, facts } = story
    story.expectSms('0 s: alarm → daughter', '0 s: resolved → daughter')
    expect(story.take(daughter)).toEqual({ type: 'alreadyResolved', outcome: 'real' })
    story.expectSms('0 s: already-resolved → daughter')
    expect(story.incident).toMatchObject({ status: 'resolved', takenBy: null })

    story.raise()
    expect(story.incident.id).not.toBe(closed.id)
    expect(story.incident).toMatchObject({ status: 'open', homeId: facts.home.id })
    story.expectSms('0 s: alarm → daughter')
  })

  it('ends as a false alarm, for everybody told, when it is cancelled at the button before anyone took it', () => {
    const story = beginStory()
    story.raise()
    story.until(50)
    story.cancelled()
    story.until(7200)
    story.expectSms('0 s: alarm → daughter', '45 s: alarm → son', '50 s: cancelled → daughter', '50 s: cancelled → son')
    expect(story.incident).toMatchObject({ status: 'resolved', outcome: 'false-alarm' })
  })

  it('leaves it to the one who took it when it is cancelled afterwards', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    story.cancelled()
    story.expectSms('0 s: alarm → daughter', '0 s: you-took → daughter', '0 s: cancelled-you-decide → daughter')
    expect(story.incident).toMatchObject({ status: 'acknowledged', condition: 'returned' })
  })

  it('is awaited anew when somebody else takes over from whoever had arrived', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    story.fold({ type: 'Arrived', by: daughter })
    story.fold({ type: 'HandOver', by: daughter, to: worker })
    story.take(worker)
    expect(story.incident).toMatchObject({ takenBy: { ref: 'worker' }, arrivedAt: null, wakeAt: 600_000 })
  })

  it('is taken by whoever arrives first', () => {
    const story = beginStory()
    story.raise()
    story.fold({ type: 'Arrived', by: person('neighbour', 'neighbour') })
    story.expectSms('0 s: alarm → daughter', '0 s: taken → daughter')
    expect(story.incident).toMatchObject({ status: 'acknowledged', takenBy: { ref: 'neighbour' }, arrivedAt: 0 })
    expect(story.incident.wakeAt).toBe(1_800_000)
  })

  it('answers what concerns no incident, and keeps notes', () => {
    const story = beginStory()
    expect(story.take(otherWorker)).toEqual({ type: 'notAllowed', reason: 'no-incident' })
    story.raise()
    expect(story.fold({ type: 'Join', by: coordinator })).toEqual({ type: 'notAllowed', reason: 'not-taken' })
    story.fold({ type: 'Note', by: coordinator, text: 'on the phone with her' })
    expect(story.events.at(-1)).toMatchObject({ type: 'NoteAdded', text: 'on the phone with her' })
    expect(story.events.map(({ seq }) => seq)).toEqual(story.events.map((_, index) => index + 1))
  })
})
