import type { Clock } from './ports.ts'

/** The machine's own clocks. */
export const machineClock: Clock = { now: () => Date.now(), monotonicMs: () => performance.now() }
