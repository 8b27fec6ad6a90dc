import type { Decoder, DeviceKind, PlacedDevice, RawMessage } from '../../../devices/observation.ts'
import type { Signal } from '../signal.ts'
import { fireTimers, foldMessage } from './home-fold.ts'
import { type Folded, type HomeFacts, type HomeState, initialHomeState } from './home-state.ts'
import { DEFAULT_SETTINGS } from './settings.ts'

/** For tests: a home to which things happen, told in order. It speaks the native wire, as a device does. */
const HOME_ID = 'home-001'
/** 23 November 2026, 02:00 in Shanghai. */
export const NIGHT = Date.parse('2026-11-22T18:00:00Z')
/** The same day at noon. */
export const NOON = Date.parse('2026-11-23T04:00:00Z')

export function placed(deviceId: string, kind: DeviceKind, more: Partial<PlacedDevice> = {}): PlacedDevice {
  return { deviceId, kind, room: null, gatewayId: null, retired: false, ...more }
}

export function factsOf(devices: PlacedDevice[], more: Partial<HomeFacts> = {}): HomeFacts {
  return {
    homeId: HOME_ID,
    devices,
    settings: DEFAULT_SETTINGS,
    testModeUntil: null,
    timeZone: 'Asia/Shanghai',
    language: 'zh',
    ...more,
  }
}

export type Leaf = 'event' | 'telemetry' | 'status'

export function message(
  deviceId: string,
  leaf: Leaf,
  payload: unknown,
  receivedAt: number,
  more: Partial<RawMessage> = {},
): RawMessage {
  return {
    homeId: HOME_ID,
    account: `${HOME_ID}.${deviceId}`,
    topic: `care/v1/${HOME_ID}/${deviceId}/${leaf}`,
    payload: new TextEncoder().encode(typeof payload === 'string' ? payload : JSON.stringify(payload)),
    qos: 1,
    packetId: 1,
    dup: false,
    retain: leaf === 'status',
    receivedAt,
    ...more,
  }
}

export type Story = {
  facts: HomeFacts
  state: HomeState
  now: number
  wakeAt: number | null
  last: Folded | null
  /** The device says it now. */
  says(deviceId: string, leaf: Leaf, payload: object, more?: Partial<RawMessage>): Signal[]
  /** Time passes as on a running platform: the sweep comes at every due time. Answers what was signalled meanwhile. */
  passes(ms: number): Signal[]
}

export function tellStory(decoder: Decoder, facts: HomeFacts, start: number): Story {
  const first = fireTimers(initialHomeState(), start, facts)
  const story: Story = {
    facts,
    state: first.state,
    now: start,
    wakeAt: first.wakeAt,
    last: null,
    says(deviceId, leaf, payload, more = {}) {
      return take(foldMessage(story.state, message(deviceId, leaf, payload, story.now, more), story.facts, decoder))
    },
    passes(ms) {
      const until = story.now + ms
      const signals: Signal[] = []
      while (story.wakeAt !== null && story.wakeAt <= until) {
        story.now = story.wakeAt
        signals.push(...take(fireTimers(story.state, story.now, story.facts)))
      }
      story.now = until
      return signals
    },
  }
  function take(folded: Folded): Signal[] {
    story.last = folded
    // What is stored between two messages is JSON: a story that only holds in memory would be a wrong one.
    story.state = JSON.parse(JSON.stringify(folded.state))
    story.wakeAt = folded.wakeAt
    return folded.signals
  }
  return story
}

/** A signal in one line, for tests that read like the story: `raised critical sos sos-pressed`. */
export function inShort(signal: Signal): string {
  const name = signal.subject === '' ? signal.kind : `${signal.kind} ${signal.subject}`
  switch (signal.type) {
    case 'ConditionRaised':
      return `${signal.test ? 'test ' : ''}raised ${signal.severity} ${name} ${signal.why.code}`
    case 'ConditionReturned':
      return `returned ${name}`
    case 'ConditionCancelled':
      return `cancelled ${name}`
  }
}
