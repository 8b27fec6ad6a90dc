import type { Observation, PlacedDevice, RawMessage } from '../../../devices/observation.ts'
import type { Signal } from '../../core/signal.ts'
import type { FoldStep, HomeFold } from '../home-fold.ts'

/** A fold whose state tells exactly which rows it was given, in which order, and which timers fired. */
export type Tally = { rows: number[]; fired: number[]; dueAt: number | null; shiftedMs: number }

/**
 * A payload is one of: `n <number>` (a telemetry row, a reading of the home's first device), `press`, `wake <epoch ms>` (a
 * timer), `poison` (throws). What it is told is appended to the state, so that a row folded twice, skipped or out of order shows.
 */
export const countingFold: HomeFold<Tally> = {
  initialState: () => ({ rows: [], fired: [], dueAt: null, shiftedMs: 0 }),
  foldMessage(state, message, { devices }) {
    const [word, value] = Buffer.from(message.payload).toString().split(' ')
    if (word === 'poison') throw new Error('planted')
    if (word === 'unreadable') return { ...step(state), rejected: 'not-json' }
    if (word === 'wake') return step({ ...state, dueAt: Number(value) })
    if (word === 'press') return { ...step(state), signals: [pressed(message.receivedAt)] }
    const observations = devices.slice(0, 1).map((device) => measured(message, device, Number(value)))
    return { ...step({ ...state, rows: [...state.rows, Number(value)] }), observations }
  },
  fireTimers(state, now) {
    if (state.dueAt === null || state.dueAt > now) return step(state)
    const next = step({ ...state, fired: [...state.fired, state.dueAt], dueAt: null })
    return { ...next, signals: [pressed(now)] }
  },
  applyClockJump: (state, gapMs) =>
    step({
      ...state,
      shiftedMs: state.shiftedMs + gapMs,
      dueAt: state.dueAt === null ? null : state.dueAt + gapMs,
    }),
}

function step(state: Tally): FoldStep<Tally> {
  return {
    state,
    signals: [],
    observations: [],
    deviceState: null,
    rejected: null,
    wakeAt: state.dueAt,
    changedDevices: [],
  }
}

function measured({ homeId, receivedAt }: RawMessage, { deviceId }: PlacedDevice, movement: number): Observation {
  const meta = { homeId, deviceId, messageId: null, at: receivedAt, receivedAt, retained: false }
  return { ...meta, kind: 'measurement', values: { movement } }
}

function pressed(at: number): Signal {
  return {
    type: 'ConditionRaised',
    kind: 'sos',
    subject: '',
    deviceId: 'sos-bath',
    deviceKind: 'sos-button',
    room: null,
    at,
    receivedAt: at,
    severity: 'critical',
    why: { code: 'sos-pressed', values: {} },
    test: false,
  }
}
