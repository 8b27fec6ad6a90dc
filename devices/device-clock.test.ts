import { describe, expect, it } from 'vitest'
import { type DeviceClock, parseTime, readClock } from './device-clock.ts'

const START = Date.parse('2026-11-23T02:00:00Z')
const HOUR = 3_600_000

/** Says something every 30 s by a clock that is off, and answers how far from the truth each was read. */
function errorsOf(offBy: (index: number) => number, count: number): number[] {
  let clock: DeviceClock | null = null
  return Array.from({ length: count }, (_, index) => {
    const now = START + index * 30_000
    const reading = readClock(clock, now + offBy(index), now)
    clock = reading.clock
    return Math.abs(reading.at - now)
  })
}

describe('a device clock', () => {
  it('is believed when it is right', () => {
    expect(readClock(null, START - 800, START).at).toBe(START - 800)
  })

  it('an hour ahead is never believed, and corrected for a late message once it was measured', () => {
    expect(errorsOf(() => HOUR, 6)).toEqual([0, 0, 0, 0, 0, 0])
    let clock: DeviceClock | null = null
    for (let index = 0; index < 5; index += 1) {
      const now = START + index * 30_000
      clock = readClock(clock, now + HOUR, now).clock
    }
    const now = START + 200_000
    expect(readClock(clock, now - 60_000 + HOUR, now).at).toBe(now - 60_000)
  })

  it('an hour behind is corrected after it kept its offset three times', () => {
    expect(errorsOf(() => -HOUR, 6)).toEqual([HOUR, HOUR, HOUR, 0, 0, 0])
  })

  it('a little ahead is corrected at once, and set right it is believed again', () => {
    expect(errorsOf((index) => (index < 3 ? 120_000 : 0), 8).at(-1)).toBe(0)
    expect(errorsOf(() => 120_000, 3)).toEqual([0, 0, 0])
    expect(errorsOf(() => 1_500, 6)).toEqual([0, 0, 0, 0, 0, 0])
  })

  it('set right after running behind it is believed again at once', () => {
    expect(errorsOf((index) => (index < 6 ? -HOUR : 0), 8).slice(-2)).toEqual([0, 0])
  })

  it('set back by an hour after it was right is understood with the next message', () => {
    expect(errorsOf((index) => (index < 5 ? 0 : -HOUR), 9)).toEqual([0, 0, 0, 0, 0, HOUR, 0, 0, 0])
  })

  it('that sends a backlog after what is new is left as it is, also where new messages come between', () => {
    for (const newBetween of [false, true]) {
      let clock = readClock(null, START, START).clock
      for (let index = 1; index < 200; index += 1) {
        const now = START + index * 500
        const said = newBetween && index % 3 === 0 ? now : START - 8 * HOUR + index * 60_000
        const reading = readClock(clock, said, now)
        clock = reading.clock
        expect(reading.at).toBe(said)
      }
    }
  })

  it('that stands still for ten minutes is not believed while it does', () => {
    const errors = errorsOf((index) => (index < 4 ? 0 : -(index - 4) * 30_000), 24)
    expect(errors.every((error) => error === 0)).toBe(true)
  })

  it('of a backlog is left as it is', () => {
    let clock: DeviceClock | null = null
    for (let index = 0; index < 100; index += 1) {
      const said = START - 8 * HOUR + index * 60_000
      const reading = readClock(clock, said, START + index * 500)
      clock = reading.clock
      expect(reading.at).toBe(said)
    }
  })

  it('reads ISO 8601 with offset, milliseconds and seconds, and nothing else', () => {
    expect(parseTime('2026-11-23T10:00:00+08:00')).toBe(START)
    expect(parseTime('2026-11-23T02:00Z')).toBe(START)
    expect(parseTime(START)).toBe(START)
    expect(parseTime(START / 1000)).toBe(START)
    const wrong = [
      '2026-11-23T02:00:00',
      '2026-11-23',
      'Mon, 23 Nov 2026 02:00:00 GMT',
      '',
      '12',
      0,
      -1,
      1e300,
      null,
      {},
    ]
    for (const value of wrong) expect(parseTime(value), String(value)).toBeNull()
  })
})
