import { advance } from '../escalation/escalate.ts'
import { type Facts, isOffTheList } from '../escalation/people.ts'
import { type Draft, draftOf, finish, named, record, send, toldRow, urgency } from './draft.ts'
import type { FoldResult } from './effect.ts'
import { about, release } from './handling.ts'
import type { Incident } from './incident.ts'
import { retell } from './signals.ts'

/** Does what has become due by `now`. Firing early, twice, or on a resolved incident does nothing. */
export function fireTimer(incident: Incident, facts: Facts, now: number): FoldResult {
  const draft = draftOf(incident, facts, now)
  const { due } = draft.incident
  if (isDue(due.arrive, now)) release(draft, 'not-arrived')
  else if (isDue(due.answer, now)) release(draft, 'no-answer')
  else if (isDue(due.ask, now)) askStillOnIt(draft)
  else {
    // A step first: whoever it tells need not be told again in the same moment.
    if (isDue(due.step, now)) advance(draft)
    if (isDue(draft.incident.due.retell, now)) retell(draft)
  }
  return finish(draft, incident, { type: 'accepted' })
}

function isDue(time: number | null, now: number): boolean {
  return time !== null && time <= now
}

function askStillOnIt(draft: Draft): void {
  const { incident, now } = draft
  const { takenBy, policy } = incident
  incident.due.ask = null
  if (!takenBy || !policy.taken) return
  if (isOffTheList(takenBy, draft.facts)) {
    release(draft, 'no-longer-listed')
    return
  }
  incident.due.answer = now + policy.taken.answerWithinS * 1000
  record(draft, { type: 'StillOnItAsked', by: named(takenBy) })
  const message = {
    ...about(draft),
    purpose: 'still-on-it' as const,
    takenMin: Math.round((now - takenBy.at) / 60_000),
    answerWithinMin: Math.round(policy.taken.answerWithinS / 60),
  }
  const { code } = toldRow(draft, takenBy)
  incident.question = send(draft, takenBy, message, { code, priority: urgency(incident.severity), withLink: true })
}
