/** An alarm is mostly told within this, of which most is waiting for others' turns on the processors where these are busy. */
const HUSH_MS = 50
/** However many alarms come, what is ordinary has three quarters of the time. */
const HUSH_EVERY_MS = 200

/**
 * While an alarm is on its way, what is ordinary begins nothing new beside it: on busy processors each of its dozen turns
 * would wait for that. What is in hand goes on. Times are monotonic, in ms.
 */
export class Hush {
  #untilMs = Number.NEGATIVE_INFINITY
  #notBeforeMs = Number.NEGATIVE_INFINITY

  /** An alarm begins its way. @returns whether a hush begins with it */
  begin(nowMs: number): boolean {
    if (nowMs < this.#notBeforeMs) return false
    this.#untilMs = nowMs + HUSH_MS
    this.#notBeforeMs = nowMs + HUSH_EVERY_MS
    return true
  }

  /** How long what is ordinary has to wait; 0 where it need not. */
  leftMs(nowMs: number): number {
    return Math.max(0, this.#untilMs - nowMs)
  }
}
