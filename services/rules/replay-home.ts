import type { ReplayEvent, ReplayStart, StoredFacts } from '../ports.ts'
import { FOLD_ERROR } from './home-draft.ts'
import type { FoldStep, HomeFold } from './home-fold.ts'

/**
 * Folds a home's record again, as the worker folded it (P8), or as a changed rule would have.
 * @returns one step for each message, timer and jump, in order
 */
export async function* replayHome<State>(
  fold: HomeFold<State>,
  start: ReplayStart | null,
  events: AsyncIterable<ReplayEvent>,
): AsyncGenerator<FoldStep<State>, void> {
  let state = start === null ? fold.initialState() : (start.state as State)
  let facts: StoredFacts | null = start?.facts ?? null
  let lastNow = start?.lastNow ?? Number.NEGATIVE_INFINITY
  for await (const event of events) {
    if (event.type === 'input') {
      const { input, now } = event.input
      if (input.type === 'facts') facts = input.facts
      if (input.type === 'facts' || !facts) continue
      lastNow = now
      const step =
        input.type === 'timers' ? fold.fireTimers(state, now, facts) : fold.applyClockJump(state, input.gapMs, facts)
      state = step.state
      yield step
      continue
    }
    const { row } = event
    // What ingest rejected was never folded; what made the fold throw was passed.
    if (row.rejected !== null || row.code === FOLD_ERROR || !facts) continue
    lastNow = Math.max(lastNow, row.receivedAt)
    const step = fold.foldMessage(state, { ...row, receivedAt: lastNow }, facts)
    state = step.state
    yield step
  }
}
