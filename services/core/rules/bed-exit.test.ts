import { describe, expect, it } from 'vitest'
import { decoder } from '../../../devices/index.ts'
import { factsOf, inShort, NIGHT, NOON, placed, type Story, tellStory } from './home-story.ts'
import { DEFAULT_SETTINGS } from './settings.ts'

const MINUTE = 60_000
const DEVICES = [
  placed('sleep-bed', 'sleep-monitor'),
  placed('sleep-guest', 'sleep-monitor'),
  placed('motion-bath', 'motion-sensor', { room: '主卧卫生间' }),
  placed('motion-hall', 'motion-sensor', { room: '客厅' }),
]
const begin = (start = NIGHT, more = {}) => tellStory(decoder, factsOf(DEVICES, more), start)
const bed = (home: Story, state: 'occupied' | 'empty', deviceId = 'sleep-bed') =>
  home.says(deviceId, 'event', { kind: 'bed', state })

describe('left bed at night', () => {
  it('warns after 15 minutes, alarms after 30, and tells the return', () => {
    const home = begin()
    bed(home, 'occupied')
    home.passes(30 * MINUTE)
    expect(bed(home, 'empty')).toEqual([])
    expect(home.passes(15 * MINUTE - 1)).toEqual([])
    expect(home.passes(1)).toMatchObject([
      {
        type: 'ConditionRaised',
        kind: 'bed-exit',
        severity: 'warning',
        at: home.now,
        why: { values: { minutes: 15 } },
      },
    ])
    expect(home.passes(15 * MINUTE)).toMatchObject([{ severity: 'critical', why: { values: { minutes: 30 } } }])
    expect(home.passes(2 * 3_600_000)).toEqual([])
    expect(bed(home, 'occupied').map(inShort)).toEqual(['returned bed-exit'])
  })

  it('says nothing of who is back in time', () => {
    const home = begin()
    bed(home, 'occupied')
    bed(home, 'empty')
    home.passes(14 * MINUTE)
    expect(bed(home, 'occupied')).toEqual([])
    expect(home.passes(3_600_000)).toEqual([])
  })

  it('gives 10 minutes more when the bathroom explains it, and the alarm stays at 30', () => {
    const home = begin()
    bed(home, 'occupied')
    bed(home, 'empty')
    home.passes(2 * MINUTE)
    home.says('motion-bath', 'event', { kind: 'motion', state: 'detected' })
    expect(home.passes(23 * MINUTE - 1)).toEqual([])
    expect(home.passes(1).map(inShort)).toEqual(['raised warning bed-exit bed-left'])
    expect(home.passes(5 * MINUTE).map(inShort)).toEqual(['raised critical bed-exit bed-left'])
  })

  it('takes movement elsewhere, or before, for no explanation', () => {
    const home = begin()
    bed(home, 'occupied')
    home.says('motion-bath', 'event', { kind: 'motion', state: 'detected' })
    home.passes(MINUTE)
    bed(home, 'empty')
    home.says('motion-hall', 'event', { kind: 'motion', state: 'detected' })
    expect(home.passes(15 * MINUTE).map(inShort)).toEqual(['raised warning bed-exit bed-left'])
  })

  it('does not let older news overtake newer', () => {
    const home = begin()
    home.says('sleep-bed', 'event', { at: NIGHT - MINUTE, kind: 'bed', state: 'occupied' })
    home.says('sleep-bed', 'event', { at: NIGHT - 2 * MINUTE, kind: 'bed', state: 'empty' })
    expect(home.passes(3_600_000)).toEqual([])
  })

  it('sees who leaves also where the clock of the monitor was set back', () => {
    const home = begin()
    home.says('sleep-bed', 'event', { at: home.now, kind: 'bed', state: 'occupied' })
    home.passes(10 * MINUTE)
    home.says('sleep-bed', 'event', { at: home.now - 60 * MINUTE, kind: 'bed', state: 'empty' })
    expect(home.passes(15 * MINUTE).map(inShort)).toEqual(['raised warning bed-exit bed-left'])
    expect(
      home.says('sleep-bed', 'event', { at: home.now - 60 * MINUTE, kind: 'bed', state: 'occupied' }).map(inShort),
    ).toEqual(['returned bed-exit'])
  })

  it('is not misled by a backlog behind what is new', () => {
    const home = begin()
    home.says('sleep-bed', 'event', { at: home.now, kind: 'bed', state: 'occupied' })
    for (let index = 0; index < 40; index += 1) {
      home.passes(500)
      const at = NIGHT - 120 * MINUTE + index * MINUTE
      home.says('sleep-bed', 'event', { id: index, at, kind: 'bed', state: index % 2 ? 'occupied' : 'empty' })
    }
    expect(home.passes(3_600_000)).toEqual([])
  })

  it('knows the night of the home', () => {
    const day = begin(NOON)
    bed(day, 'occupied')
    bed(day, 'empty')
    expect(day.passes(3_600_000)).toEqual([])
    const elsewhere = begin(NOON, { timeZone: 'America/New_York' })
    bed(elsewhere, 'occupied')
    bed(elsewhere, 'empty')
    expect(elsewhere.passes(15 * MINUTE)).toHaveLength(1)
  })

  it.each([
    ['21:59', 0],
    ['22:00', 1],
    ['05:59', 1],
    ['06:00', 0],
  ])('left at %s: %i warnings', (time, count) => {
    const home = begin(Date.parse(`2026-11-23T${time}:00+08:00`))
    bed(home, 'occupied')
    bed(home, 'empty')
    expect(home.passes(20 * MINUTE)).toHaveLength(count)
  })

  it('needs somebody to have been in bed', () => {
    const home = begin()
    bed(home, 'empty')
    expect(home.passes(3_600_000)).toEqual([])
  })

  it('follows the settings of the home, and reads telemetry as well as events', () => {
    const home = begin(NIGHT, { settings: { ...DEFAULT_SETTINGS, bedWarningMinutes: 5 } })
    home.says('sleep-bed', 'telemetry', { bedOccupied: true })
    home.says('sleep-bed', 'telemetry', { bedOccupied: false })
    for (let minute = 0; minute < 4; minute += 1) {
      home.passes(MINUTE)
      expect(home.says('sleep-bed', 'telemetry', { bedOccupied: false })).toEqual([])
    }
    expect(home.passes(MINUTE)).toHaveLength(1)
  })

  it('returns when the last of two beds is taken again', () => {
    const home = begin()
    for (const deviceId of ['sleep-bed', 'sleep-guest']) {
      bed(home, 'occupied', deviceId)
      bed(home, 'empty', deviceId)
    }
    expect(home.passes(15 * MINUTE)).toHaveLength(2)
    expect(bed(home, 'occupied', 'sleep-bed')).toEqual([])
    expect(bed(home, 'occupied', 'sleep-guest').map(inShort)).toEqual(['returned bed-exit'])
  })

  it('judges a night that comes as a backlog by its own times', () => {
    const home = begin(NIGHT + 6 * 3_600_000)
    const says = (minute: number, bedOccupied: boolean) => {
      home.passes(500)
      return home.says('sleep-bed', 'telemetry', { at: NIGHT + minute * MINUTE, bedOccupied }).map(inShort)
    }
    expect(says(0, true)).toEqual([])
    for (const minute of [1, 4, 7, 10]) expect(says(minute, false), `${minute}`).toEqual([])
    expect(says(12, true), 'back after eleven minutes').toEqual([])
    expect(says(60, false)).toEqual([])
    expect(says(75, false)).toEqual(['raised warning bed-exit bed-left'])
    expect(says(90, false)).toEqual(['raised critical bed-exit bed-left'])
    expect(says(95, true)).toEqual(['returned bed-exit'])
  })

  it('does not wait for ever for the rest of a backlog', () => {
    const home = begin(NIGHT + 6 * 3_600_000)
    home.says('sleep-bed', 'telemetry', { at: NIGHT, bedOccupied: true })
    home.says('sleep-bed', 'telemetry', { at: NIGHT + MINUTE, bedOccupied: false })
    expect(home.passes(9_999)).toEqual([])
    expect(home.passes(1).map(inShort)).toEqual([
      'raised warning bed-exit bed-left',
      'raised critical bed-exit bed-left',
    ])
  })
})
