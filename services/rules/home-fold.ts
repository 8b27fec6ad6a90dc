import type { Observation, RawMessage } from '../../devices/observation.ts'
import type { Signal } from '../core/signal.ts'
import type { StoredFacts } from '../ports.ts'

/**
 * The home stream's fold, as the worker runs it and the replay runs it again: pure, and the state is a plain JSON
 * value. `now` and `receivedAt` never go back within a home, except by a clock jump.
 */
export type HomeFold<State> = {
  initialState(): State
  /** May come after `wakeAt`: what is due by `message.receivedAt` is the fold's to fire first. */
  foldMessage(state: State, message: RawMessage, facts: StoredFacts): FoldStep<State>
  /** Fires every timer due at `now`; the very same state when there is nothing to fire or to learn from new facts. */
  fireTimers(state: State, now: number, facts: StoredFacts): FoldStep<State>
  /** The database's clock moved by `gapMs` (positive: forward) against the time that passed. */
  applyClockJump(state: State, gapMs: number, facts: StoredFacts): FoldStep<State>
}

export type FoldStep<State> = {
  state: State
  signals: readonly Signal[]
  /** What the message said, and the decoder's state of its device after it. */
  observations: readonly Observation[]
  deviceState: unknown
  /** Why the message, or a part of it, is no observation. */
  rejected: string | null
  /** The next timer, epoch ms; null for none. */
  wakeAt: number | null
  /** Devices whose state shown on the pages changed. */
  changedDevices: readonly string[]
}
