import { setTimeout as sleep } from 'node:timers/promises'
import type { Signal } from '../core/signal.ts'
import type { Clock, EscalationView, Incidents, RaisedInput } from '../ports.ts'

/** Homes read ahead at once. More alarms than this at one moment are read when their signals come. */
const MAX_EXPECTED = 8
/** One message seldom raises more; the others' ids are never used. */
const MAX_JOINED_SIGNALS = 2
/**
 * The commit of a whole pass must not wait for a read that is slow: then its signals go the longer way, by two more round
 * trips. Where only the alarm's own home is in the pass, at most the alarms hinted meanwhile wait for it, and the read is sooner there than
 * those trips are.
 */
const MAX_JOIN_WAIT_MS = { alone: 60, amongOthers: 20 }
/** Nor a pass of its own for one that hangs: after this it reads for itself, over another connection. */
const MAX_TAKE_WAIT_MS = 250
/** A signal comes some milliseconds after its message; what was read longer ago is read anew. */
const EXPECTED_FOR_MS = 1_000

type Read = { view: EscalationView; atMs: number }
type Expected = { askedAtMs: number; read: Promise<Read | null>; inputs: RaisedInput[] }

/**
 * Homes that were read while what they said was being committed and folded, so that an alarm's pass begins with what it needs at hand. What
 * another pass changed meanwhile, and what somebody wrote before the signals, the commit finds out and refuses; people and
 * policies may be as old as the read.
 */
export type ExpectedHomes = {
  expect(homeId: string): void
  /** A signal of an expected home; of any other it is found in the database. */
  add(input: RaisedInput): void
  /** Somebody asks for a pass who may have written more than the signals: it has to read for itself. */
  forget(homeId: string): void
  /** What a pass over it would read now; null where it has to. Only once. */
  take(homeId: string): Promise<EscalationView | null>
  /**
   * The same for signals that are not written yet, with the ids that they are to be written under.
   * @param isAlone no other home waits for the commit
   */
  join(homeId: string, signals: readonly Signal[], isAlone: boolean): Promise<EscalationView | null>
}

export function createExpectedHomes(incidents: Incidents, clock: Clock): ExpectedHomes {
  // A map keeps the order of insertion: the first is the oldest.
  const homes = new Map<string, Expected>()
  const isOld = ({ askedAtMs }: Expected) => clock.monotonicMs() - askedAtMs > EXPECTED_FOR_MS

  async function read(homeId: string): Promise<Read | null> {
    try {
      const view = await incidents.readHome(homeId, MAX_JOINED_SIGNALS)
      return { view, atMs: clock.monotonicMs() }
    } catch {
      // The pass reads for itself, and says so if it cannot.
      return null
    }
  }

  /** What was read, as of now. Longer than a pass takes: in which order the rest comes is the database's to say. */
  async function viewNow(expected: Expected): Promise<EscalationView | null> {
    const read = await expected.read
    if (read === null || read.view.moreInputs) return null
    return { ...read.view, nowMs: read.view.nowMs + clock.monotonicMs() - read.atMs }
  }

  return {
    expect(homeId) {
      for (const [id, expected] of homes) {
        if (!isOld(expected)) break
        homes.delete(id)
      }
      if (homes.has(homeId) || homes.size >= MAX_EXPECTED) return
      homes.set(homeId, { askedAtMs: clock.monotonicMs(), read: read(homeId), inputs: [] })
    },
    add(input) {
      homes.get(input.homeId)?.inputs.push(input)
    },
    forget(homeId) {
      homes.delete(homeId)
    },
    async take(homeId) {
      const expected = homes.get(homeId)
      homes.delete(homeId)
      if (!expected || expected.inputs.length === 0 || isOld(expected)) return null
      if (!(await isReadWithin(expected, MAX_TAKE_WAIT_MS))) return null
      const view = await viewNow(expected)
      const signals = expected.inputs.map(({ signal }) => signal)
      return view && notBefore(signals, { ...view, inputs: inOrder(view.inputs, expected.inputs) })
    },
    async join(homeId, signals, isAlone) {
      const expected = homes.get(homeId)
      // Signals that wait for their pass come before these.
      if (!expected || expected.inputs.length > 0 || isOld(expected) || signals.length > MAX_JOINED_SIGNALS) return null
      const waitMs = isAlone ? MAX_JOIN_WAIT_MS.alone : MAX_JOIN_WAIT_MS.amongOthers
      if (!(await isReadWithin(expected, waitMs))) return null
      homes.delete(homeId)
      const view = await viewNow(expected)
      if (view === null) return null
      const given = view.drawnIds.flatMap((inputId, nth) => {
        const signal = signals[nth]
        return signal ? [{ homeId, inputId, signal }] : []
      })
      return notBefore(signals, { ...view, inputs: inOrder(view.inputs, given) })
    },
  }
}

function isReadWithin({ read }: Expected, ms: number): Promise<boolean> {
  return Promise.race([read.then(() => true), sleep(ms, false, { ref: false })])
}

/** The read may have been answered long before we took its answer, and no signal is folded before it was received. */
function notBefore(signals: readonly Signal[], view: EscalationView): EscalationView {
  return { ...view, nowMs: Math.max(view.nowMs, ...signals.map(({ receivedAt }) => receivedAt)) }
}

/** The read may have been late enough to find some of the signals itself. */
function inOrder(found: EscalationView['inputs'], given: readonly RaisedInput[]): EscalationView['inputs'] {
  const byId = new Map(found.map((waiting) => [waiting.input.inputId, waiting]))
  for (const { inputId, signal } of given) {
    byId.set(inputId, { incidentId: null, input: { type: 'SignalReceived', inputId, signal } })
  }
  return [...byId.values()].sort((one, other) => Number(one.input.inputId) - Number(other.input.inputId))
}
