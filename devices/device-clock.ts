/**
 * What a device's clock is worth. Offset is receipt time minus what the device said. A single late message may be a
 * backlog, so a slow clock is believed only after several messages kept the same offset while real time passed;
 * a clock that runs ahead cannot be a backlog and is corrected at once, and one that was right and went back is
 * understood with the second message.
 */
const PLAUSIBLE_PAST_MS = 24 * 3_600_000
const PLAUSIBLE_FUTURE_MS = 5 * 60_000
/** Offsets below this are the network's, not the clock's. */
const TOLERANCE_MS = 2_000
/** Two messages closer than this say nothing about how the clock runs. */
const SAMPLE_EVERY_MS = 10_000
const STEADY_SAMPLES = 3
/** Numbers below this are epoch seconds: as milliseconds they would be before 1973. */
const SECONDS_BELOW = 1e11
/** The last moment a Date can hold. */
const LAST_DATE = 8.64e15

/** `said` and `heardAt`: the last sample. `steady`: how many samples in a row kept their offset. */
export type DeviceClock = { said: number; heardAt: number; offsetMs: number; steady: number }

/** `believed`: `at` is what the device said, corrected; otherwise it is the receipt time. */
export type Reading = { clock: DeviceClock | null; at: number; believed: boolean }

/** `said` is what the device wrote (epoch ms) or null; the answer's `at` is never later than `receivedAt`. */
export function readClock(clock: DeviceClock | null, said: number | null, receivedAt: number): Reading {
  if (said === null) return { clock, at: receivedAt, believed: false }
  if (clock !== null && said === clock.said && receivedAt - clock.heardAt > SAMPLE_EVERY_MS) {
    // The clock stands still.
    return { clock, at: receivedAt, believed: false }
  }
  const next = sample(clock, said, receivedAt)
  const at = said + next.offsetMs
  const believed = isPlausible(at, receivedAt)
  return { clock: next, at: believed ? Math.min(at, receivedAt) : receivedAt, believed }
}

/** Whether something that is heard now can have happened then. */
export function isPlausible(at: number, receivedAt: number): boolean {
  return at >= receivedAt - PLAUSIBLE_PAST_MS && at <= receivedAt + PLAUSIBLE_FUTURE_MS
}

function sample(clock: DeviceClock | null, said: number, receivedAt: number): DeviceClock {
  const offset = receivedAt - said
  if (clock === null) return { said, heardAt: receivedAt, offsetMs: aheadOnly(offset), steady: 0 }
  const offsetMs = offset < clock.offsetMs && offset >= -PLAUSIBLE_FUTURE_MS ? aheadOnly(offset) : clock.offsetMs
  if (receivedAt - clock.heardAt < SAMPLE_EVERY_MS) return offsetMs === clock.offsetMs ? clock : { ...clock, offsetMs }
  const before = clock.heardAt - clock.said
  if (Math.abs(offset - before) > TOLERANCE_MS) {
    // Time that goes back is a clock that was set back, or a backlog behind what is new: the next message tells, for a
    // backlog comes faster than it happened.
    return { said, heardAt: receivedAt, offsetMs, steady: said < clock.said ? STEADY_SAMPLES - 1 : 0 }
  }
  const steady = Math.min(clock.steady + 1, STEADY_SAMPLES)
  const measured = Math.min(offset, before)
  if (steady < STEADY_SAMPLES) return { said, heardAt: receivedAt, offsetMs, steady }
  return { said, heardAt: receivedAt, offsetMs: Math.abs(measured) <= TOLERANCE_MS ? 0 : measured, steady }
}

/** Below zero the clock is surely ahead; above zero the message may only be late. */
function aheadOnly(offset: number): number {
  return offset < 0 && offset >= -PLAUSIBLE_FUTURE_MS ? offset : 0
}

/** ISO 8601 with offset, epoch ms, or epoch seconds, as epoch ms; null when it is none of these. */
export function parseTime(value: unknown): number | null {
  if (typeof value === 'number') {
    if (!(value > 0 && value <= LAST_DATE)) return null
    return value < SECONDS_BELOW ? Math.round(value * 1000) : Math.round(value)
  }
  if (typeof value !== 'string' || !isIsoWithOffset(value)) return null
  const at = Date.parse(value)
  return Number.isNaN(at) ? null : at
}

/** Without an offset `Date.parse` would take this machine's own zone; other forms it knows are not ISO 8601. */
function isIsoWithOffset(text: string): boolean {
  if (text.length < 17 || text.length > 40 || text[4] !== '-' || text[10] !== 'T') return false
  if (text.endsWith('Z')) return true
  const sign = text[text.length - 6]
  return (sign === '+' || sign === '-') && text[text.length - 3] === ':'
}
