import { performance } from 'node:perf_hooks'
import type { Clock, Log, Metrics } from '../../ports.ts'

export const silent: Log = { info() {}, warn() {}, error() {}, debug() {} }
export const uncounted: Metrics = { count() {}, gauge() {}, observe() {} }
export const machineClock: Clock = { now: () => Date.now(), monotonicMs: () => performance.now() }
