import type { Facts } from '../escalation/people.ts'
import type { Signal } from '../signal.ts'
import { answered } from './answers.ts'
import { type Draft, draftOf, finish } from './draft.ts'
import type { FoldResult } from './effect.ts'
import type { Incident } from './incident.ts'
import type { IncidentInput } from './input.ts'
import { receiptArrived } from './receipts.ts'
import { conditionCancelled, conditionReturned, openIncident, raiseAgain } from './signals.ts'

/**
 * Folds one input into one incident. For a signal the caller hands in the home's unresolved incident of that kind
 * and subject, or null; for an answer or a receipt the incident it belongs to, resolved or not.
 * Never throws; an input that changes nothing gives the very same incident back.
 */
export function foldIncident(incident: Incident | null, input: IncidentInput, facts: Facts, now: number): FoldResult {
  if (input.type === 'SignalReceived') return foldSignal(incident, input.signal, input.inputId, facts, now)
  if (!incident) return nothing('no-incident')
  const draft = draftOf(incident, facts, now)
  switch (input.type) {
    case 'MessageAccepted':
    case 'MessageUnknown':
    case 'MessageDelivered':
    case 'MessageFailed':
      receiptArrived(draft, input)
      return finish(draft, incident, { type: 'accepted' })
    default:
      return finish(draft, incident, answered(draft, input))
  }
}

function foldSignal(incident: Incident | null, signal: Signal, inputId: string, facts: Facts, now: number): FoldResult {
  const open = incident && incident.status !== 'resolved' ? incident : null
  if (!open) {
    // Whatever was over before stays over: a new press is a new incident.
    if (signal.type !== 'ConditionRaised') return nothing('no-incident')
    return finish(openIncident(signal, inputId, facts, now), null, { type: 'accepted' })
  }
  const draft = draftOf(open, facts, now)
  signalArrived(draft, signal)
  return finish(draft, open, { type: 'accepted' })
}

function signalArrived(draft: Draft, signal: Signal): void {
  switch (signal.type) {
    case 'ConditionRaised':
      raiseAgain(draft, signal)
      break
    case 'ConditionReturned':
      conditionReturned(draft, signal)
      break
    case 'ConditionCancelled':
      conditionCancelled(draft, signal)
      break
  }
}

function nothing(reason: 'no-incident'): FoldResult {
  return { incident: null, effects: [], events: [], wakeAt: null, result: { type: 'notAllowed', reason } }
}
