import type { ClockJump, DecodedRow, FoldCommit, HomeInput, LogRow } from '../ports.ts'
import type { CachedHome } from './home-cache.ts'
import type { FoldStep, HomeFold } from './home-fold.ts'

/** The code under which a row stands that made the fold throw: a programmer's error, never a reason to stop. */
export const FOLD_ERROR = 'fold-error'

/** What one pass makes of one home, before it is committed. `before` is what the commit compares with. */
export type HomeDraft<State> = Omit<FoldCommit, 'cursors' | 'homes'> & {
  before: CachedHome<State>
  home: CachedHome<State>
  /** The latest clock this pass has seen for the home. */
  clockMs: number
  /** The true next timer, once a step has told it. */
  nextTimer: number | null | undefined
  touched: boolean
  /** What its rows said; null where some row was not decoded here, or nobody wants it. */
  decoded: DecodedRow[] | null
}

/** @param keepsDecoded whether somebody wants what its rows said */
export function openDraft<State>(before: CachedHome<State>, keepsDecoded: boolean): HomeDraft<State> {
  return {
    before,
    home: { ...before },
    clockMs: before.lastNow,
    nextTimer: undefined,
    touched: false,
    decoded: keepsDecoded ? [] : null,
    inputs: [],
    signals: [],
    rejections: [],
    changes: [],
  }
}

/** Folds the next row of the home. The row's clock never goes back within the home. */
export function foldRow<State>(fold: HomeFold<State>, draft: HomeDraft<State>, row: LogRow, jumps: ClockJump[]): void {
  takeJumpsBefore(fold, draft, row, jumps)
  const { home } = draft
  const receivedAt = Math.max(home.lastNow, row.receivedAt)
  takeFacts(draft, receivedAt)
  const message = receivedAt === row.receivedAt ? row : { ...row, receivedAt }
  const step = fold.foldMessage(home.state, message, home.facts)
  passRow(draft, row)
  home.lastNow = receivedAt
  draft.clockMs = receivedAt
  takeStep(draft, step)
  if (step.rejected !== null) reject(draft, row, step.rejected)
  keepDecoded(draft, row, step)
}

function keepDecoded<State>(
  draft: HomeDraft<State>,
  row: LogRow,
  { observations, deviceState }: FoldStep<State>,
): void {
  const [first] = observations
  if (first === undefined || draft.decoded === null) return
  const device = draft.home.facts.devices.find(({ deviceId }) => deviceId === first.deviceId)
  if (device !== undefined) draft.decoded.push({ row, device, observations, deviceState })
}

/** Leaves the home's state as it is and goes past the row. */
export function passRow<State>(draft: HomeDraft<State>, row: LogRow): void {
  draft.home.xid = row.xid
  draft.home.id = row.id
  draft.touched = true
}

export function reject<State>(draft: HomeDraft<State>, row: LogRow, code: string): void {
  draft.rejections.push({ homeId: row.homeId, xid: row.xid, id: row.id, receivedAt: row.receivedAt, code })
}

/**
 * Fires what is due at `nowMs`, after every unread row of the home. A timer that had only been moved back since the
 * column was written finds nothing due and leaves no record, only a later `wakeAt`.
 */
export function fireTimers<State>(
  fold: HomeFold<State>,
  draft: HomeDraft<State>,
  nowMs: number,
  jumps: ClockJump[],
): void {
  const { home } = draft
  for (const jump of jumps) takeJump(fold, draft, jump, nowMs)
  const now = Math.max(home.lastNow, nowMs)
  draft.clockMs = now
  takeFacts(draft, now)
  const step = fold.fireTimers(home.state, now, home.facts)
  if (step.state !== home.state || step.signals.length > 0) {
    record(draft, { type: 'timers' }, now)
    home.lastNow = now
  }
  draft.touched = true
  takeStep(draft, step)
}

/** What the commit writes of this home, and what the cache holds once it is written. */
export function closeDraft<State>(draft: HomeDraft<State>): CachedHome<State> {
  const { before, home, nextTimer } = draft
  home.version = before.version + Math.max(1, draft.inputs.length)
  const stored = before.wakeAt
  // Writing the column costs the update its place in the page (a new index entry): only where it would be too late, or has fired.
  const fired = stored === null || stored <= draft.clockMs
  if (nextTimer !== undefined && (fired || (nextTimer !== null && nextTimer < stored))) home.wakeAt = nextTimer
  return home
}

/** Jumps that this row came after: its receipt time stands nearer to the clock after the jump than to the one before. */
function takeJumpsBefore<State>(fold: HomeFold<State>, draft: HomeDraft<State>, row: LogRow, jumps: ClockJump[]): void {
  for (const jump of jumps) {
    if (jump.epoch > draft.home.clockEpoch && isAfterJump(row.receivedAt, draft.home.lastNow, jump)) {
      takeJump(fold, draft, jump, row.receivedAt)
    }
  }
}

function isAfterJump(receivedAt: number, lastNow: number, { cause, gapMs, atMs }: ClockJump): boolean {
  // Nothing is received while no entrance is open; and the last mark before may be some seconds older than the last row.
  if (cause === 'entrance-closed') return receivedAt > atMs - gapMs / 2
  const since = receivedAt - lastNow
  return gapMs > 0 ? since >= gapMs / 2 : since <= gapMs / 2
}

function takeJump<State>(fold: HomeFold<State>, draft: HomeDraft<State>, jump: ClockJump, nowMs: number): void {
  const { home } = draft
  if (jump.epoch <= home.clockEpoch) return
  // The only place where a home's clock may go back: its state goes with it.
  const now = jump.gapMs < 0 ? nowMs : Math.max(home.lastNow, nowMs)
  takeFacts(draft, now)
  // A home that folded a row between a jump and its discovery stands after it already: nothing may move past now.
  const gapMs = Math.min(jump.gapMs, now - home.lastNow)
  record(draft, { type: 'clock-jump', epoch: jump.epoch, gapMs }, now)
  home.clockEpoch = jump.epoch
  home.lastNow = now
  draft.clockMs = now
  draft.touched = true
  takeStep(draft, fold.applyClockJump(home.state, gapMs, home.facts))
}

function takeFacts<State>(draft: HomeDraft<State>, now: number): void {
  const { home } = draft
  if (home.factsVersion === home.facts.version) return
  home.factsVersion = home.facts.version
  record(draft, { type: 'facts', facts: home.facts }, now)
}

function record<State>(draft: HomeDraft<State>, input: HomeInput, now: number): void {
  const { homeId, xid, id } = draft.home
  draft.inputs.push({ homeId, version: draft.before.version + draft.inputs.length + 1, xid, id, now, input })
}

function takeStep<State>(draft: HomeDraft<State>, step: FoldStep<State>): void {
  const { homeId } = draft.home
  draft.home.state = step.state
  draft.nextTimer = step.wakeAt
  for (const signal of step.signals) draft.signals.push({ homeId, signal })
  for (const ref of step.changedDevices) {
    if (!draft.changes.some((change) => change.ref === ref)) draft.changes.push({ kind: 'device', homeId, ref })
  }
}
