import { describe, expect, it } from 'vitest'
import { decoder } from '../../../devices/index.ts'
import { factsOf, inShort, NOON, placed, tellStory } from './home-story.ts'

const BUTTONS = [placed('sos-bath', 'sos-button', { room: '卫生间' }), placed('sos-bed', 'sos-button')]
const PRESS = { kind: 'sos', state: 'pressed' }
const press = (id: string) => ({ id, ...PRESS })

describe('SOS', () => {
  it('is an emergency at once', () => {
    const home = tellStory(decoder, factsOf(BUTTONS), NOON)
    const [signal] = home.says('sos-bath', 'event', { ...press('1'), at: new Date(NOON - 300).toISOString() })
    expect(signal).toEqual({
      type: 'ConditionRaised',
      kind: 'sos',
      subject: '',
      deviceId: 'sos-bath',
      deviceKind: 'sos-button',
      room: '卫生间',
      at: NOON - 300,
      receivedAt: NOON,
      severity: 'critical',
      why: { code: 'sos-pressed', values: { presses: 1 } },
      test: false,
    })
  })

  it('counts presses that follow each other', () => {
    const home = tellStory(decoder, factsOf(BUTTONS), NOON)
    const presses = ['1', '2', '3'].map((id) => {
      home.passes(5_000)
      const [signal] = home.says('sos-bath', 'event', press(id))
      return signal?.type === 'ConditionRaised' ? signal.why.values.presses : null
    })
    expect(presses).toEqual([1, 2, 3])
    home.passes(3_600_000)
    expect(home.says('sos-bath', 'event', press('4'))).toMatchObject([{ why: { values: { presses: 1 } } }])
  })

  it('tells a press that was long under way as a late one, and still as an emergency', () => {
    const home = tellStory(decoder, factsOf(BUTTONS), NOON)
    expect(home.says('sos-bath', 'event', { ...press('1'), at: NOON - 20 * 60_000 })).toMatchObject([
      { severity: 'critical', at: NOON - 20 * 60_000, why: { code: 'sos-pressed-late', values: { minutes: 20 } } },
    ])
  })

  it('is cancelled only where it came from', () => {
    const home = tellStory(decoder, factsOf(BUTTONS), NOON)
    home.says('sos-bath', 'event', press('1'))
    expect(home.says('sos-bed', 'event', { id: '1', kind: 'sos', state: 'cancelled' })).toEqual([])
    expect(home.says('sos-bath', 'event', { id: '2', kind: 'sos', state: 'cancelled' }).map(inShort)).toEqual([
      'cancelled sos',
    ])
  })

  it('is cancelled for each button by itself, and once', () => {
    const home = tellStory(decoder, factsOf(BUTTONS), NOON)
    home.says('sos-bath', 'event', press('1'))
    home.says('sos-bed', 'event', press('1'))
    const cancel = (id: string) => home.says('sos-bath', 'event', { id, kind: 'sos', state: 'cancelled' })
    expect(cancel('2')).toMatchObject([{ type: 'ConditionCancelled', deviceId: 'sos-bath' }])
    expect(cancel('3')).toEqual([])
  })

  it('is a test when the device or the home is being tested, and real again afterwards', () => {
    const home = tellStory(decoder, factsOf(BUTTONS, { testModeUntil: NOON + 60_000 }), NOON)
    expect(home.says('sos-bath', 'event', press('1')).map(inShort)).toEqual(['test raised critical sos sos-pressed'])
    home.passes(60_000)
    expect(home.says('sos-bath', 'event', press('2')).map(inShort)).toEqual(['raised critical sos sos-pressed'])
    expect(home.says('sos-bed', 'event', { id: '3', kind: 'sos', state: 'test' }).map(inShort)).toEqual([
      'test raised critical sos sos-pressed',
    ])
  })

  it('hears a repeat of QoS 1 once, and a button that counts from 1 again as a new press', () => {
    const home = tellStory(decoder, factsOf(BUTTONS), NOON)
    expect(home.says('sos-bath', 'event', press('1'))).toHaveLength(1)
    home.passes(1_000)
    expect(home.says('sos-bath', 'event', press('1'), { dup: true })).toEqual([])
    expect(home.last?.rejected).toBe('duplicate')
    home.passes(11 * 60_000)
    expect(home.says('sos-bath', 'event', press('1'))).toHaveLength(1)
    home.passes(11 * 60_000)
    expect(home.says('sos-bath', 'event', press('1'), { dup: true })).toEqual([])
  })

  it('hears every press of a button without ids, but not what the broker resends or kept', () => {
    const home = tellStory(decoder, factsOf(BUTTONS), NOON)
    expect(home.says('sos-bath', 'event', PRESS)).toHaveLength(1)
    expect(home.says('sos-bath', 'event', PRESS, { dup: true })).toEqual([])
    expect(home.says('sos-bath', 'event', PRESS, { packetId: 2 })).toHaveLength(1)
    expect(home.says('sos-bath', 'event', PRESS, { dup: true, packetId: 3 })).toHaveLength(1)
    const relayed = { retain: true, account: 'home-001.gateway' }
    expect(home.says('sos-bath', 'event', PRESS, relayed)).toEqual([])
    expect(home.last?.rejected).toBe('stale-retained')
  })

  it('hears the resend of a press that never came, by a button that knows one packet identifier only', () => {
    const home = tellStory(decoder, factsOf(BUTTONS), NOON)
    expect(home.says('sos-bath', 'event', PRESS)).toHaveLength(1)
    home.passes(3_600_000)
    expect(home.says('sos-bath', 'event', PRESS, { dup: true })).toHaveLength(1)
  })

  it('hears a press that came with RETAIN through a gateway where the clock is known to be an hour slow', () => {
    const home = tellStory(decoder, factsOf(BUTTONS), NOON)
    const relayed = { retain: true, account: 'home-001.gateway' }
    const slow = () => home.now - 3_600_000
    for (let beat = 0; beat < 5; beat += 1) {
      home.says('sos-bath', 'telemetry', { at: slow(), batteryPercent: 80 })
      home.passes(60_000)
    }
    expect(home.says('sos-bath', 'event', { ...PRESS, at: slow() }, relayed)).toHaveLength(1)
    expect(home.says('sos-bath', 'event', { ...PRESS, at: slow() - 120_000 }, relayed)).toEqual([])
  })

  it('is an emergency with an empty battery too, and the battery a task beside it', () => {
    const home = tellStory(decoder, factsOf(BUTTONS), NOON)
    expect(home.says('sos-bath', 'event', { ...press('1'), batteryPercent: 4 }).map(inShort)).toEqual([
      'raised critical sos sos-pressed',
      'raised warning technical sos-bath:battery battery-critical',
    ])
  })
})
