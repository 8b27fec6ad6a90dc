import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Facts, Responder } from '../escalation/people.ts'
import { DEFAULT_POLICIES } from '../escalation/policy.ts'
import { INCIDENT_KINDS, SEVERITIES, WHY_CODES } from '../signal.ts'
import type { FoldResult } from './effect.ts'
import { foldIncident } from './fold.ts'
import type { Incident } from './incident.ts'
import type { IncidentInput } from './input.ts'
import { coordinator, daughter, factsOfHome, otherWorker, son, worker } from './story.ts'
import { fireTimer } from './timers.ts'

/** Whatever people, devices, providers and clocks do, in any order. */

const PEOPLE = [daughter, son, worker, otherWorker, coordinator]
const someone = fc.constantFrom(...PEOPLE)
const via = fc.constantFrom('sms' as const, 'link' as const, 'api' as const)
const outcome = fc.constantFrom('real' as const, 'false-alarm' as const, 'test' as const, 'duplicate' as const)

const about = {
  kind: fc.constantFrom(...INCIDENT_KINDS),
  subject: fc.constant(''),
  deviceId: fc.constantFrom('button', 'cord', 'hall'),
  deviceKind: fc.constant('sos-button' as const),
  room: fc.constantFrom(null, '卫生间'),
  at: fc.integer({ min: -10_000_000, max: 10_000_000 }),
  receivedAt: fc.integer({ min: 0, max: 10_000_000 }),
}
const raised = fc.record({
  ...about,
  type: fc.constant('ConditionRaised' as const),
  severity: fc.constantFrom(...SEVERITIES),
  why: fc.record({ code: fc.constantFrom(...WHY_CODES), values: fc.constant({}) }),
  test: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
})
const over = fc.record({ ...about, type: fc.constantFrom('ConditionReturned' as const, 'ConditionCancelled' as const) })
const signal = fc.oneof({ weight: 3, arbitrary: raised }, over)

const answer = fc.oneof(
  fc.record({ type: fc.constant('Acknowledge' as const), by: someone, via }),
  fc.record({ type: fc.constant('CannotCome' as const), by: someone, via }),
  fc.record({
    type: fc.constantFrom('StillOnIt' as const, 'UnlistedTake' as const, 'Join' as const, 'Arrived' as const),
    by: someone,
  }),
  fc.record({ type: fc.constant('Note' as const), by: someone, text: fc.string() }),
  fc.record({ type: fc.constant('HandOver' as const), by: someone, to: someone }),
  fc.record({
    type: fc.constant('Resolve' as const),
    by: someone,
    outcome,
    note: fc.constantFrom(null, 'seen'),
    personSeenOrHeard: fc.boolean(),
  }),
)

/** A step of a random life: a signal, an answer, a receipt for one of the messages so far, or time going by. */
const move = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('signal' as const), signal }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('answer' as const), answer }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('receipt' as const),
      of: fc.nat(1000),
      what: fc.constantFrom('MessageAccepted', 'MessageUnknown', 'MessageDelivered', 'MessageFailed'),
      permanent: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('time' as const), ms: fc.nat(1_000_000) }) },
)
type Move = typeof move extends fc.Arbitrary<infer T> ? T : never

const policies = fc.record({
  rounds: fc.integer({ min: 0, max: 3 }),
  roundS: fc.integer({ min: 0, max: 900 }),
  lastResort: fc.constantFrom(null, DEFAULT_POLICIES.critical.lastResort),
})

const facts: fc.Arbitrary<Facts> = fc
  .record({ changes: policies, phones: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }), empty: fc.boolean() })
  .map(({ changes, phones, empty }) => {
    const withPhones = (people: Responder[]) =>
      people.map((one) => ({ ...one, hasPhone: phones[PEOPLE.indexOf(one)] ?? true }))
    return factsOfHome({
      contacts: empty ? [] : withPhones([daughter, son]),
      onCall: withPhones([worker]),
      supervisors: withPhones([coordinator]),
      communityOnCall: withPhones([worker, otherWorker]),
      policies: { ...DEFAULT_POLICIES, critical: { ...DEFAULT_POLICIES.critical, ...changes } },
    })
  })

type Sent = { outboxId: string; recipient: string }
type Life = { now: number; facts: Facts; incident: Incident | null; sent: Sent[] }
type Judge = (before: Incident | null, result: FoldResult, input: IncidentInput | null, life: Life) => void

function live(moves: readonly Move[], known: Facts, judge: Judge): void {
  const life: Life = { now: 0, facts: known, incident: null, sent: [] }
  const keep = (result: FoldResult, input: IncidentInput | null) => {
    judge(life.incident, result, input, life)
    for (const effect of result.effects) {
      if (effect.type === 'SendSms') life.sent.push({ outboxId: effect.outboxId, recipient: effect.recipient.ref })
    }
    life.incident = result.incident ?? life.incident
  }
  moves.forEach((one, index) => {
    if (one.type === 'time') {
      life.now += one.ms
      if (life.incident) keep(fireTimer(life.incident, known, life.now), null)
      return
    }
    const input = inputOf(one, `${index}`, life.sent)
    if (input) keep(foldIncident(life.incident, input, known, life.now), input)
  })
}

function inputOf(one: Exclude<Move, { type: 'time' }>, inputId: string, sent: readonly Sent[]): IncidentInput | null {
  if (one.type === 'signal') return { inputId, type: 'SignalReceived', signal: one.signal }
  if (one.type === 'answer') return { inputId, ...one.answer }
  const message = sent[one.of % Math.max(sent.length, 1)]
  if (!message) return null
  const { permanent, what } = one
  return { inputId, type: what, ...message, permanent, errorCode: null } as IncidentInput
}

function hold(judge: Judge): void {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 40 }), facts, (moves, known) => live(moves, known, judge)),
    { numRuns: 400 },
  )
}

describe('laws of an incident', () => {
  it('a critical incident has a due time until it is resolved (P3), also once it is taken, and a resolved one never', () => {
    hold((_, { incident, wakeAt }) => {
      expect(wakeAt).toBe(incident?.wakeAt ?? null)
      if (incident?.severity === 'critical' && incident.status !== 'resolved') expect(wakeAt).not.toBeNull()
      if (incident?.status === 'resolved') expect(wakeAt).toBeNull()
    })
  })

  it('what is due is done in at most three firings, so no sweep can spin', () => {
    hold((_, { incident }, __, { now, facts: known }) => {
      let after = incident
      for (let firing = 0; after && firing < 3; firing += 1) after = fireTimer(after, known, now).incident
      expect(after?.wakeAt ?? now + 1).toBeGreaterThan(now)
    })
  })

  it('is plain JSON', () => {
    hold((_, { incident, effects, events }) => {
      const all = { incident, effects, events }
      expect(JSON.parse(JSON.stringify(all))).toEqual(all)
    })
  })

  it('never changes what it was given, and numbers versions, events and messages without gaps', () => {
    hold((before, { incident, effects, events }) => {
      if (!incident) return
      const sent = effects.filter(({ type }) => type === 'SendSms').length
      const same = before?.id === incident.id ? before : { version: 0, messageCount: 0, eventCount: 0 }
      expect(incident.messageCount - same.messageCount).toBe(sent)
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => same.eventCount + index + 1))
      expect(incident.version - same.version).toBe(incident === before ? 0 : 1)
      if (incident === before) expect([...effects, ...events]).toEqual([])
    })
  })

  it('never sends what it withdraws, and tells who has it only to those a message may have reached', () => {
    hold((before, { incident, effects }, input) => {
      const withdrawn = effects.flatMap((effect) => (effect.type === 'WithdrawPending' ? effect.outboxIds : []))
      for (const effect of effects) {
        if (effect.type !== 'SendSms') continue
        expect(withdrawn).not.toContain(effect.outboxId)
        expect(effect.recipient.hasPhone).toBe(true)
        if (effect.message.purpose !== 'taken' || input?.type !== 'Acknowledge') continue
        const row = before?.told.find(({ person }) => person.ref === effect.recipient.ref)
        expect(row?.messages.some(({ status }) => ['accepted', 'delivered', 'unknown'].includes(status))).toBe(true)
        expect(effect.recipient.ref).not.toBe(incident?.takenBy?.ref)
      }
    })
  })

  it('acknowledging twice changes nothing', () => {
    hold((_, { incident, result }, input, { now }) => {
      if (input?.type !== 'Acknowledge' || result.type !== 'accepted' || !incident) return
      const again = foldIncident(incident, { ...input, inputId: 'again' }, factsOfHome(), now)
      expect(again).toEqual({
        incident,
        effects: [],
        events: [],
        wakeAt: incident.wakeAt,
        result: { type: 'accepted' },
      })
    })
  })

  it('a receipt folded twice changes nothing the second time', () => {
    hold((_, { incident }, input, { now }) => {
      if (!incident || !input?.type.startsWith('Message')) return
      expect(foldIncident(incident, input, factsOfHome(), now).incident).toBe(incident)
    })
  })

  it('a critical incident ends only by a person who saw or heard somebody, by its own button, or as a test', () => {
    hold((before, { incident, events }, input) => {
      if (incident?.severity !== 'critical' || incident.status !== 'resolved' || before === incident) return
      if (before?.id === incident.id && before.status === 'resolved') return
      const bySight = input?.type === 'Resolve' && input.personSeenOrHeard
      const byButton = input?.type === 'SignalReceived' && input.signal.type === 'ConditionCancelled'
      const asTest = events.some((event) => event.type === 'Opened' && event.test)
      expect(bySight || byButton || asTest).toBe(true)
    })
  })

  it('gives each phone one code per incident, from 10 to 99', () => {
    hold((_, { incident, effects }) => {
      for (const effect of effects) {
        if (effect.type !== 'SendSms' || effect.code === null) continue
        expect(effect.code).toBe(incident?.told.find(({ person }) => person.ref === effect.recipient.ref)?.code)
        expect(effect.code).toBeGreaterThanOrEqual(10)
        expect(effect.code).toBeLessThanOrEqual(99)
      }
    })
  })
})
