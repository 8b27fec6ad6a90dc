import { describe, expect, it } from 'vitest'
import { beginStory, daughter, factsOfHome, person } from './story.ts'

describe('pressed again while nobody has it', () => {
  it('counts the press and tells again whoever was told a minute ago', () => {
    const story = beginStory()
    story.raise()
    story.until(20)
    story.raise()
    story.raise()
    story.until(89)
    story.expectSms('0 s: alarm → daughter', '45 s: alarm → son', '60 s: alarm → daughter')
    expect(story.incident.raisedCount).toBe(3)
    expect(story.home).toEqual(['open', 'open', 'open'])
  })

  it('tells again at once when the last telling is older than that', () => {
    const story = beginStory()
    story.raise()
    story.until(200)
    story.raise()
    story.expectSms(
      '0 s: alarm → daughter',
      '45 s: alarm → son',
      '90 s: alarm → worker',
      '200 s: alarm → daughter',
      '200 s: alarm → son',
      '200 s: alarm → worker',
    )
  })

  it('is told as returned when the alarm clears before anyone took it, and goes on', () => {
    const story = beginStory()
    story.raise({ kind: 'smoke' })
    story.returned('smoke')
    expect(story.incident).toMatchObject({ status: 'open', condition: 'returned' })
    story.until(45)
    story.expectSms('0 s: alarm → daughter', '0 s: alarm → worker', '45 s: alarm → son')
  })

  it('does not count what a device that is known to be in alarm says once more', () => {
    const story = beginStory()
    story.raise({ kind: 'smoke' })
    const { incident } = story
    story.raise({ kind: 'smoke' })
    expect(story.incident).toBe(incident)
    story.raise({ kind: 'smoke', device: 'hall' })
    expect(story.incident.raisedCount).toBe(2)
  })

  it('asks anew whoever could not come for the warning', () => {
    const story = beginStory()
    story.raise({ kind: 'bed-exit', severity: 'warning' })
    story.fold({ type: 'CannotCome', by: daughter, via: 'sms' })
    story.raise({ kind: 'bed-exit', severity: 'critical' })
    story.expectSms(
      '0 s: alarm → daughter',
      '0 s: cannot-noted → daughter',
      '0 s: alarm → son',
      '0 s: alarm → daughter',
    )
  })

  it('goes through all critical rounds after a warning has worsened', () => {
    const story = beginStory(factsOfHome({ contacts: [daughter], onCall: [], supervisors: [] }))
    story.raise({ kind: 'bed-exit', severity: 'warning' })
    story.until(100)
    story.raise({ kind: 'bed-exit', severity: 'critical' })
    story.until(1900)
    story.expectSms(
      '0 s: alarm → daughter',
      '100 s: alarm → daughter',
      '700 s: alarm → daughter',
      '1300 s: alarm → daughter',
      '1900 s: alarm → worker',
      '1900 s: alarm → other-worker',
    )
  })

  it('starts the critical policy when a warning worsens, and never lessens', () => {
    const story = beginStory()
    story.raise({ kind: 'bed-exit', severity: 'warning' })
    story.until(30)
    story.raise({ kind: 'bed-exit', severity: 'critical' })
    story.raise({ kind: 'bed-exit', severity: 'warning' })
    expect(story.incident.severity).toBe('critical')
    story.until(75)
    story.expectSms('0 s: alarm → daughter', '30 s: alarm → daughter', '75 s: alarm → son')
  })
})

describe('cancelled where it came from', () => {
  it('ends when every device that called has taken it back, and not before', () => {
    const story = beginStory()
    story.raise({ device: 'bath' })
    story.raise({ device: 'bed' })
    story.cancelled('bath')
    expect(story.incident).toMatchObject({ status: 'open', condition: 'active' })
    story.cancelled('bed')
    expect(story.incident).toMatchObject({ status: 'resolved', outcome: 'false-alarm' })
  })

  it('stands when the same button calls again, and whatever a button says that had not called', () => {
    const story = beginStory()
    story.raise({ device: 'bath' })
    story.raise({ device: 'bed' })
    story.cancelled('bath')
    story.raise({ device: 'bath' })
    story.cancelled('hall')
    story.cancelled('bed')
    story.cancelled('bed')
    expect(story.incident.status).toBe('open')
    story.cancelled('bath')
    expect(story.incident.status).toBe('resolved')
  })
})

describe('raised again on a taken incident', () => {
  it('reaches the taker at once, and without an arrival in 60 s the escalation resumes where it stood', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    story.until(20)
    story.raise()
    story.until(40)
    story.raise()
    story.until(79)
    story.expectSms('0 s: alarm → daughter', '0 s: you-took → daughter', '20 s: re-alarm → daughter')
    story.until(125)
    story.expectSms('80 s: alarm → son', '125 s: alarm → worker')
    expect(story.incident).toMatchObject({ status: 'open', takenBefore: { ref: 'daughter' }, raisedCount: 3 })
    expect(story.events).toContainEqual(expect.objectContaining({ type: 'EscalationResumed', reason: 'not-arrived' }))
  })

  it('stays with the taker who arrives in time', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    story.raise()
    story.until(59)
    story.fold({ type: 'Arrived', by: daughter })
    story.until(7200)
    story.expectSms('0 s: alarm → daughter', '0 s: you-took → daughter', '0 s: re-alarm → daughter')
    expect(story.incident).toMatchObject({ status: 'acknowledged', wakeAt: null })
  })

  it.each([
    ['a further device', { kind: 'smoke', device: 'hall' }],
    ['the same device after it had returned', { kind: 'smoke' }],
    ['a worse condition', { kind: 'smoke', severity: 'critical' }],
  ] as const)('counts %s as news', (_, again) => {
    const story = beginStory()
    const first = 'severity' in again ? 'warning' : 'critical'
    story.raise({ kind: 'smoke', severity: first })
    story.take(daughter)
    if (!('device' in again) && !('severity' in again)) story.returned('smoke')
    story.raise(again)
    expect(story.eventTypes()).toContain('TakerToldOfNewAlarm')
    expect(story.incident).toMatchObject({ condition: 'active', wakeAt: 60_000 })
  })

  it('still reaches a taker who has arrived, once a minute at most', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    story.fold({ type: 'Arrived', by: daughter })
    story.raise()
    story.until(59)
    story.raise()
    story.until(60)
    story.raise()
    story.until(7200)
    story.expectSms(
      '0 s: alarm → daughter',
      '0 s: you-took → daughter',
      '0 s: re-alarm → daughter',
      '60 s: re-alarm → daughter',
    )
  })

  it('resumes also when the taker sits at the desk without a phone', () => {
    const desk = person('desk', 'coordinator', { hasPhone: false })
    const story = beginStory()
    story.raise()
    story.take(desk, 'api')
    story.raise()
    story.until(60)
    story.expectSms('0 s: alarm → daughter', '0 s: taken → daughter', '60 s: alarm → son')
  })

  it('goes to the next person at once when the taker cannot be reached any more', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    story.until(10)
    story.raise()
    story.fail(daughter)
    story.expectSms(
      '0 s: alarm → daughter',
      '0 s: you-took → daughter',
      '10 s: re-alarm → daughter',
      '10 s: alarm → son',
    )
  })
})

describe('a test press', () => {
  it('is on the record and on the lamp, and no person is told', () => {
    const story = beginStory()
    story.raise({ test: true })
    story.until(7200)
    story.expectSms()
    expect(story.incident).toMatchObject({ status: 'resolved', outcome: 'test', wakeAt: null })
    expect(story.home).toEqual(['resolved'])
  })

  it('changes nothing about a real incident', () => {
    const story = beginStory(factsOfHome())
    story.raise()
    story.raise({ test: true })
    expect(story.incident).toMatchObject({ status: 'open', raisedCount: 1 })
  })
})
