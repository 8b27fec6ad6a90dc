import { describe, expect, it } from 'vitest'
import { GATEWAY_ACCOUNT, nativeDevice, placedDevice } from './testing/native-device.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const PRESS = { kind: 'sos', state: 'pressed' }
const RETAINED = { retain: true }
const RELAYED = { retain: true, account: GATEWAY_ACCOUNT }

const behindGateway = () => nativeDevice({ ...placedDevice, gatewayId: 'gateway' })

describe('RETAIN from the account of the device itself', () => {
  it.each([
    ['an hour slow', -HOUR],
    ['an hour fast', HOUR],
    ['never set', -50 * 365 * 24 * HOUR],
  ])('is a press, though its clock is %s', (_, offBy) => {
    const button = nativeDevice()
    expect(button.event({ ...PRESS, at: button.now + offBy }, RETAINED)).toBe('pressed')
    button.now += 11 * MINUTE
    expect(button.event({ ...PRESS, at: button.now + offBy }, RETAINED)).toBe('pressed')
  })

  it('is a press without a time too, each time', () => {
    const button = nativeDevice()
    expect(button.event(PRESS, RETAINED)).toBe('pressed')
    expect(button.event(PRESS, { ...RETAINED, packetId: 8 })).toBe('pressed')
  })

  it('is a repeat where its identity and its bytes are known', () => {
    const button = nativeDevice()
    const press = { ...PRESS, id: '7f', at: button.now - 500 }
    expect(button.event(press, RETAINED)).toBe('pressed')
    expect(button.event(press, RETAINED)).toBe('duplicate')
    expect(button.event(press, { ...RETAINED, dup: true })).toBe('duplicate')
  })
})

describe('RETAIN by way of a gateway', () => {
  it('is a press when it says that it happened just now', () => {
    const button = behindGateway()
    expect(button.event({ ...PRESS, at: button.now - 500 }, RELAYED)).toBe('pressed')
  })

  it('is no press when it says that it happened before', () => {
    const button = behindGateway()
    expect(button.event({ ...PRESS, at: button.now - HOUR }, RELAYED)).toBe('stale-retained')
    expect(button.event({ ...PRESS, at: button.now - 72 * HOUR }, RELAYED)).toBe('stale-retained')
  })

  it.each([
    ['no time', {}],
    ['a time of a clock that was never set', { at: 180 }],
  ])('is a press with %s, unless the same was heard within a day', (_, time) => {
    const button = behindGateway()
    const press = { ...PRESS, ...time }
    expect(button.event(press, RELAYED)).toBe('pressed')
    button.now += 23 * HOUR
    expect(button.event(press, { ...RELAYED, packetId: 9 })).toBe('stale-retained')
    button.now += 2 * HOUR
    expect(button.event(press, { ...RELAYED, packetId: 10 })).toBe('pressed')
  })

  it('is a press with a time to come, once', () => {
    const button = behindGateway()
    const press = { ...PRESS, at: button.now + HOUR }
    expect(button.event(press, RELAYED)).toBe('pressed')
    expect(button.event(press, RELAYED)).toBe('stale-retained')
    button.now += 3 * HOUR
    expect(button.event(press, RELAYED)).toBe('stale-retained')
  })

  it('is a press when something else was heard since: a broker keeps only the last', () => {
    const button = behindGateway()
    expect(button.event(PRESS, RELAYED)).toBe('pressed')
    expect(button.event({ ...PRESS, state: 'cancelled' }, { account: GATEWAY_ACCOUNT })).toBe('cancelled')
    button.now += MINUTE
    expect(button.event(PRESS, RELAYED)).toBe('pressed')
  })

  it('takes nothing back: what it kept may be older than the alarm', () => {
    const button = behindGateway()
    expect(button.event({ ...PRESS, state: 'cancelled' }, RELAYED)).toBe('stale-retained')
    expect(button.event({ kind: 'smoke', state: 'cleared' }, RELAYED)).toBe('stale-retained')
    expect(button.event({ kind: 'bed', state: 'empty' }, RELAYED)).toBe('stale-retained')
  })

  it('also of the gateway itself, which may be a broker of its own', () => {
    const gateway = nativeDevice({ ...placedDevice, kind: 'gateway' })
    expect(gateway.event({ ...PRESS, at: gateway.now - HOUR }, RETAINED)).toBe('stale-retained')
  })

  it('tells by what is refused how far off the clock is, so that a later press is taken', () => {
    const button = behindGateway()
    const verdicts = Array.from({ length: 5 }, (_, press) => {
      button.now += MINUTE
      return button.event({ ...PRESS, id: press, at: button.now - HOUR }, RELAYED)
    })
    expect(verdicts[0]).toBe('stale-retained')
    expect(verdicts.at(-1)).toBe('pressed')
  })
})
