import { describe, expect, it } from 'vitest'
import { beginStory, daughter, factsOfHome } from './story.ts'

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

describe('a call that reached us late', () => {
  const HOURS_MS = 3 * 3_600_000
  const alarms = (story: ReturnType<typeof beginStory>) =>
    story.messages.flatMap((message) =>
      'why' in message ? [[message.why.code, 'ageMin' in message && message.ageMin]] : [],
    )

  it('is not told as hours old any more once somebody calls now, on an open incident and to the one who has it', () => {
    const open = beginStory()
    open.raise({ lateMs: HOURS_MS, why: 'sos-pressed-late' })
    open.until(100)
    open.raise()
    expect(alarms(open)).toEqual([
      ['sos-pressed-late', 180],
      ['sos-pressed-late', 180],
      ['sos-pressed-late', 180],
      ['sos-pressed', 0],
    ])
    const taken = beginStory()
    taken.raise({ lateMs: HOURS_MS, why: 'sos-pressed-late' })
    taken.take(daughter)
    taken.raise()
    expect(alarms(taken).at(-1)).toEqual(['sos-pressed', false])
    expect(taken.incident.lateByMs).toBe(0)
  })

  it('makes no fresh one old, and is told by the youngest of several', () => {
    const story = beginStory()
    story.raise()
    story.raise({ lateMs: HOURS_MS, why: 'sos-pressed-late' })
    expect(story.incident).toMatchObject({ lateByMs: 0, why: { code: 'sos-pressed' } })
    const late = beginStory()
    late.raise({ lateMs: HOURS_MS, why: 'sos-pressed-late' })
    late.raise({ lateMs: 3_600_000, why: 'sos-pressed-late' })
    expect(late.incident).toMatchObject({ lateByMs: 3_600_000, why: { code: 'sos-pressed-late' } })
  })

  it('keeps the reason of the worse when a milder one follows', () => {
    const story = beginStory()
    story.raise({ kind: 'gas', why: 'gas-high' })
    story.returned('gas')
    story.raise({ kind: 'gas', severity: 'warning', why: 'gas-raised' })
    expect(story.incident.why.code).toBe('gas-high')
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
