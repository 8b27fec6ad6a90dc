import { describe, expect, it } from 'vitest'
import { NO_RECEIPT } from './input.ts'
import { beginStory, daughter, person, worker } from './story.ts'

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

  it('stays with the taker who arrives in time, who is asked half an hour later how it stands', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    story.raise()
    story.until(59)
    story.fold({ type: 'Arrived', by: daughter })
    expect(story.incident).toMatchObject({ status: 'acknowledged', wakeAt: 1_859_000 })
    story.until(1859)
    story.expectSms(
      '0 s: alarm → daughter',
      '0 s: you-took → daughter',
      '0 s: re-alarm → daughter',
      '1859 s: still-on-it → daughter',
    )
    expect(story.incident.status).toBe('acknowledged')
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

  it('reaches a taker who had arrived and may have left, and resumes when they do not come again', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    story.fold({ type: 'Arrived', by: daughter })
    story.until(900)
    story.raise()
    expect(story.incident).toMatchObject({ arrivedAt: null, silentAtDesk: true, wakeAt: 960_000 })
    story.until(930)
    story.raise()
    story.until(960)
    story.expectSms(
      '0 s: alarm → daughter',
      '0 s: you-took → daughter',
      '900 s: re-alarm → daughter',
      '960 s: alarm → son',
    )
    expect(story.incident.status).toBe('open')
  })

  it('tells a taker who has arrived once more of the next press, however soon it comes', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    story.raise()
    story.until(10)
    story.fold({ type: 'Arrived', by: daughter })
    story.until(20)
    story.raise()
    story.until(80)
    story.expectSms(
      '0 s: alarm → daughter',
      '0 s: you-took → daughter',
      '0 s: re-alarm → daughter',
      '20 s: re-alarm → daughter',
      '80 s: alarm → son',
    )
  })

  it('goes on at once when a taker who had arrived cannot be told, and after a minute when they have no phone', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    story.fold({ type: 'Arrived', by: daughter })
    story.until(100)
    story.raise()
    story.fail(daughter)
    story.expectSms(
      '0 s: alarm → daughter',
      '0 s: you-took → daughter',
      '100 s: re-alarm → daughter',
      '100 s: alarm → son',
    )
    const desk = beginStory()
    desk.raise()
    desk.take(person('desk', 'coordinator', { hasPhone: false }), 'api')
    desk.fold({ type: 'Arrived', by: person('desk', 'coordinator', { hasPhone: false }) })
    desk.until(100)
    desk.raise()
    desk.until(160)
    desk.expectSms('0 s: alarm → daughter', '0 s: taken → daughter', '160 s: alarm → son')
  })

  it('resumes when what had been a warning worsens after an arrival and nobody comes for it', () => {
    const story = beginStory()
    story.raise({ kind: 'bed-exit', severity: 'warning' })
    story.take(daughter)
    story.fold({ type: 'Arrived', by: daughter })
    story.until(100)
    story.raise({ kind: 'bed-exit', severity: 'critical' })
    story.until(160)
    story.expectSms(
      '0 s: alarm → daughter',
      '0 s: you-took → daughter',
      '100 s: re-alarm → daughter',
      '160 s: alarm → son',
    )
  })

  it('tells at once of a further device, and of one that had returned, however lately the taker was told', () => {
    const story = beginStory()
    story.raise({ kind: 'smoke' })
    story.take(worker)
    story.raise({ kind: 'smoke', device: 'hall' })
    story.until(10)
    story.raise({ kind: 'smoke', device: 'kitchen' })
    story.until(20)
    story.returned('smoke')
    story.raise({ kind: 'smoke', device: 'hall' })
    story.expectSms(
      '0 s: alarm → daughter',
      '0 s: alarm → worker',
      '0 s: taken → daughter',
      '0 s: you-took → worker',
      '0 s: re-alarm → worker',
      '10 s: re-alarm → worker',
      '20 s: re-alarm → worker',
    )
    story.until(60)
    story.expectSms('60 s: alarm → son')
  })

  it('waits its whole minute for a taker whose carrier gives no receipt', () => {
    const story = beginStory()
    story.raise()
    story.take(daughter)
    story.until(10)
    story.raise()
    story.until(40)
    story.fail(daughter, true, NO_RECEIPT)
    expect(story.incident.status).toBe('acknowledged')
    story.until(70)
    story.expectSms(
      '0 s: alarm → daughter',
      '0 s: you-took → daughter',
      '10 s: re-alarm → daughter',
      '70 s: alarm → son',
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
