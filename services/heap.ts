import { setFlagsFromString } from 'node:v8'

/**
 * How far a heap may grow beyond what lives before all of it is collected, in per cent. The entrance makes much and keeps
 * little: left to itself V8 let its 12 MB grow by less than one, and collected all of them two to three times a second.
 */
const HEAP_GROWTH = 100

/**
 * What a fold leaves behind is garbage at once, all but the last state of each home. V8 sees some objects of a place in the code
 * live on and then puts all of that place among the old ones, where they lie until everything is collected and keep what
 * they refer to: at 18,000 messages a second 24 MB of dead states a second were moved there, in pauses of 15 to 20 ms three
 * times a second, the longest 78. Without that it is 1 MB, and 5 to 8 ms, the longest 32.
 */
const NO_PRETENURING = '--no-allocation-site-pretenuring'

/**
 * For all threads of the process, those included that are not started yet. Node warns of flags that are set after the start:
 * these two are looked at again with each collection, and a Node that does not know one says so and goes on without it.
 */
export function settleGarbageCollection(): void {
  setFlagsFromString(NO_PRETENURING)
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH}`)
}
