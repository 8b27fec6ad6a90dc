import { describe, expect, it } from 'vitest'
import { NO_RECEIPT } from './input.ts'
import { beginStory, daughter, factsOfHome, worker } from './story.ts'

describe('taken, and then nothing more is heard', () => {
  it('asks after 10 min, and resumes when no answer comes within 2', () => {
    const story = beginStory()
    story.raise()
    story.until(90)
    story.take(worker)
    story.until(809)
    story.expectSms(
      '0 s: alarm → daughter',
      '45 s: alarm → son',
      '90 s: alarm → worker',
      '90 s: taken → daughter',
      '90 s: taken → son',
      '90 s: you-took → worker',
      '690 s: still-on-it → worker',
    )
    story.until(1410)
    story.expectSms(
      '810 s: alarm → coordinator',
      '1110 s: alarm → daughter',
      '1155 s: alarm → son',
      '1200 s: alarm → worker',
      '1410 s: alarm → coordinator',
    )
  })

  it('gives 10 min more for a yes, again and again, until somebody has arrived', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    story.until(610)
    story.take(daughter)
    story.until(1210)
    story.fold({ type: 'StillOnIt', by: daughter })
    story.until(1800)
    story.fold({ type: 'Arrived', by: daughter })
    story.until(3599)
    story.expectSms(
      '0 s: alarm → daughter',
      '0 s: you-took → daughter',
      '600 s: still-on-it → daughter',
      '1210 s: still-on-it → daughter',
    )
    expect(story.incident.takenBy?.ref).toBe('daughter')
  })

  it('asks whoever has arrived and closed nothing each half hour, and resumes when no answer comes within 2 min', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    story.fold({ type: 'Arrived', by: daughter })
    story.until(1800)
    story.take(daughter)
    story.until(3610)
    story.fold({ type: 'Arrived', by: daughter })
    story.until(5530)
    story.expectSms(
      '0 s: alarm → daughter',
      '0 s: you-took → daughter',
      '1800 s: still-on-it → daughter',
      '3600 s: still-on-it → daughter',
      '5410 s: still-on-it → daughter',
      '5530 s: alarm → son',
    )
    expect(story.incident).toMatchObject({ status: 'open', arrivedAt: null })
  })

  it('gives a taker whose carrier sends no receipts the whole 2 min to answer', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    story.until(630)
    story.fail(daughter, true, NO_RECEIPT)
    story.until(719)
    expect(story.incident.status).toBe('acknowledged')
    story.until(720)
    expect(story.incident.status).toBe('open')
    story.expectSms(
      '0 s: alarm → daughter',
      '0 s: you-took → daughter',
      '600 s: still-on-it → daughter',
      '720 s: alarm → son',
    )
  })

  it('only the one who has it can say that they still have it', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    expect(story.fold({ type: 'StillOnIt', by: worker })).toEqual({ type: 'notAllowed', reason: 'not-the-taker' })
  })

  it('reminds of a warning after 15 min and escalates it after 45', () => {
    const story = beginStory()
    story.raise({ kind: 'bed-exit', severity: 'warning' })
    story.take(daughter)
    story.until(2700)
    story.expectSms(
      '0 s: alarm → daughter',
      '0 s: you-took → daughter',
      '900 s: still-on-it → daughter',
      '2700 s: alarm → son',
    )
  })

  it('a warning whose rounds are over goes round once more when its taker went silent', () => {
    const story = beginStory(factsOfHome({ contacts: [daughter], onCall: [], supervisors: [] }))
    story.raise({ kind: 'bed-exit', severity: 'warning' })
    story.until(10_000)
    story.take(daughter)
    story.until(20_000)
    story.expectSms(
      '0 s: alarm → daughter',
      '3600 s: alarm → daughter',
      '10000 s: you-took → daughter',
      '10900 s: still-on-it → daughter',
      '12700 s: alarm → daughter',
    )
  })

  it('a cancel at the button ends nothing that somebody had taken and left', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    story.until(720)
    story.cancelled()
    expect(story.incident).toMatchObject({ status: 'open', condition: 'returned', wakeAt: 765_000 })
  })

  it('a taker who went silent can take it again, and so can anybody else', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    story.until(720)
    expect(story.incident.status).toBe('open')
    expect(story.take(daughter)).toEqual({ type: 'accepted' })
    expect(story.incident).toMatchObject({ status: 'acknowledged', takenBy: { ref: 'daughter', at: 720_000 } })
  })
})
