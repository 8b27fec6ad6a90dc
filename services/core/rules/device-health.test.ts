import { describe, expect, it } from 'vitest'
import { decoder } from '../../../devices/index.ts'
import { factsOf, inShort, NOON, placed, tellStory } from './home-story.ts'

const begin = () => tellStory(decoder, factsOf([placed('gas-kitchen', 'gas-detector')]), NOON)

describe('a battery', () => {
  it('is a task at 20 %, a warning at 10 %, and done when it was changed', () => {
    const home = begin()
    const told = [21, 20, 19, 11, 10, 9, 18, 24, 25, 88].map((batteryPercent) => {
      home.passes(60_000)
      return home.says('gas-kitchen', 'telemetry', { batteryPercent }).map(inShort).join()
    })
    expect(told).toEqual([
      '',
      'raised technical technical gas-kitchen:battery battery-low',
      '',
      '',
      'raised warning technical gas-kitchen:battery battery-critical',
      '',
      '',
      '',
      'returned technical gas-kitchen:battery',
      '',
    ])
  })

  it('is a warning when the device says so', () => {
    const home = begin()
    expect(home.says('gas-kitchen', 'event', { kind: 'battery', low: true }).map(inShort)).toEqual([
      'raised warning technical gas-kitchen:battery battery-critical',
    ])
    expect(home.says('gas-kitchen', 'event', { kind: 'battery', low: false })).toHaveLength(1)
  })

  it('is shown with the device', () => {
    const home = begin()
    home.says('gas-kitchen', 'status', { state: 'online', batteryPercent: 88 })
    expect(home.last?.deviceChanges).toEqual([
      { deviceId: 'gas-kitchen', status: 'online', batteryPercent: 88, heardAt: NOON },
    ])
    home.says('gas-kitchen', 'status', { state: 'online', batteryPercent: 88 })
    expect(home.last?.deviceChanges).toEqual([])
  })
})

describe('tamper and fault', () => {
  it.each(['tamper', 'fault'])('%s is a technical incident while it lasts', (kind) => {
    const home = begin()
    expect(home.says('gas-kitchen', 'event', { kind, state: 'alarm' }).map(inShort)).toEqual([
      `raised technical technical gas-kitchen:${kind} ${kind}`,
    ])
    expect(home.says('gas-kitchen', 'event', { kind, state: 'alarm' })).toEqual([])
    expect(home.says('gas-kitchen', 'event', { kind, state: 'cleared' }).map(inShort)).toEqual([
      `returned technical gas-kitchen:${kind}`,
    ])
  })
})
