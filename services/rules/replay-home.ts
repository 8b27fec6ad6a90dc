import type { ReplayEvent, ReplayStart, StoredFacts } from '../ports.ts'
import { FOLD_ERROR } from './home-draft.ts'
import type { FoldStep, HomeFold } from './home-fold.ts'

export type HomeReplay<State> = {
  state(): State
  /** The step that this made; null where the fold was given nothing (new facts, a row that it never saw). */
  take(event: ReplayEvent): FoldStep<State> | null
}

/** Folds a home's record again, event by event, as the worker folded it (P8), or as a changed rule would have. */
export function openHomeReplay<State>(fold: HomeFold<State>, start: ReplayStart | null): HomeReplay<State> {
  let state = start === null ? fold.initialState() : (start.state as State)
  let facts: StoredFacts | null = start?.facts ?? null
  let lastNow = start?.lastNow ?? Number.NEGATIVE_INFINITY
  function step(event: ReplayEvent): FoldStep<State> | null {
    if (event.type === 'input') {
      const { input, now } = event.input
      if (input.type === 'facts') facts = input.facts
      if (input.type === 'facts' || !facts) return null
      lastNow = now
      return input.type === 'timers'
        ? fold.fireTimers(state, now, facts)
        : fold.applyClockJump(state, input.gapMs, facts)
    }
    const { row } = event
    // What ingest rejected was never folded; what made the fold throw was passed.
    if (row.rejected !== null || row.code === FOLD_ERROR || !facts) return null
    lastNow = Math.max(lastNow, row.receivedAt)
    return fold.foldMessage(state, { ...row, receivedAt: lastNow }, facts)
  }
  return {
    state: () => state,
    take(event) {
      const taken = step(event)
      if (taken) state = taken.state
      return taken
    },
  }
}
