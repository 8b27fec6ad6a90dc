import { describe, expect, it } from 'vitest'
import { nativeDevice } from './testing/native-device.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const pressed = (id: number | string, more: object = {}) => ({ id, kind: 'sos', state: 'pressed', ...more })
const cancelled = (id: number | string) => ({ id, kind: 'sos', state: 'cancelled' })

describe('a repeat', () => {
  it('is none where the device said something else since: a button counts from 1 again', () => {
    const button = nativeDevice()
    expect(button.event(pressed(1))).toBe('pressed')
    button.now += MINUTE
    expect(button.event(cancelled(2))).toBe('cancelled')
    button.now += MINUTE
    expect(button.event(pressed(1))).toBe('pressed')
    button.now += MINUTE
    expect(button.event(cancelled(2))).toBe('cancelled')
  })

  it('is none a minute after a press that says no time, by a button with one id for everything', () => {
    const button = nativeDevice()
    expect(button.event(pressed('button'))).toBe('pressed')
    button.now += 20 * SECOND
    expect(button.event(pressed('button'))).toBe('duplicate')
    button.now += 41 * SECOND
    expect(button.event(pressed('button'))).toBe('pressed')
  })

  it('nor where the time that it says cannot be the time of anything', () => {
    const button = nativeDevice()
    const press = pressed(1, { at: '2019-01-01T00:00:00Z' })
    expect(button.event(press)).toBe('pressed')
    button.now += 2 * MINUTE
    expect(button.event(press)).toBe('pressed')
  })

  it('is one for ten minutes where the very same moment is said again', () => {
    const button = nativeDevice()
    const press = pressed(1, { at: button.now - SECOND })
    expect(button.event(press)).toBe('pressed')
    button.now += 9 * MINUTE
    expect(button.event(press)).toBe('duplicate')
    button.now += MINUTE
    expect(button.event(press)).toBe('pressed')
  })

  it('is one where the very same moment is said again, whatever came between: an entrance that stood still brings it late', () => {
    const button = nativeDevice()
    const press = pressed('a', { at: button.now + 1 })
    expect([press, cancelled('b'), pressed('c')].map((each) => button.event(each))).toEqual([
      'pressed',
      'cancelled',
      'pressed',
    ])
    button.now += 16 * SECOND
    expect(button.event(press)).toBe('duplicate')
    button.now += 10 * MINUTE
    expect(button.event(press)).toBe('pressed')
  })

  it('but not where the time that it says is no more than a second: one id for everything could be pressed again in it', () => {
    const button = nativeDevice()
    const press = pressed('button', { at: Math.floor(button.now / SECOND) * SECOND })
    expect([press, cancelled('button'), press].map((each) => button.event(each))).toEqual([
      'pressed',
      'cancelled',
      'pressed',
    ])
  })

  it('is one where MQTT says so, whatever came between', () => {
    const button = nativeDevice()
    expect(button.event(pressed(1))).toBe('pressed')
    expect(button.event(cancelled(2))).toBe('cancelled')
    button.now += 2 * MINUTE
    expect(button.event(pressed(1), { dup: true })).toBe('duplicate')
  })

  it('hides nobody who leaves the bed', () => {
    const mat = nativeDevice()
    const bed = (id: number, state: string) => ({ id, kind: 'bed', state })
    const nights = [bed(1, 'empty'), bed(2, 'occupied'), bed(1, 'empty')].map((each) => mat.event(each))
    expect(nights).toEqual(['empty', 'occupied', 'empty'])
  })
})
