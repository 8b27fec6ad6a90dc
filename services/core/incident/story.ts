import { expect } from 'vitest'
import type { Facts, Responder, ResponderRole } from '../escalation/people.ts'
import { DEFAULT_POLICIES, type Policies } from '../escalation/policy.ts'
import type { Message } from '../message/message.ts'
import type { IncidentKind, Severity, Signal, WhyCode } from '../signal.ts'
import type { FoldResult, FoldVerdict, IncidentEvent, SendSms, TellHome } from './effect.ts'
import { foldIncident } from './fold.ts'
import type { Incident } from './incident.ts'
import type { IncidentInput } from './input.ts'
import { fireTimer } from './timers.ts'

/** For tests: one home on a clock that only the story moves. Every message must be expected, in order. */

export function person(ref: string, role: ResponderRole, more: Partial<Responder> = {}): Responder {
  return { ref, name: ref, role, language: 'zh', hasPhone: true, ...more }
}

export const daughter = person('daughter', 'family-keyholder')
export const son = person('son', 'family')
export const worker = person('worker', 'social-worker')
export const otherWorker = person('other-worker', 'social-worker')
export const coordinator = person('coordinator', 'coordinator')

export function factsOfHome(changes: Partial<Facts> = {}): Facts {
  return {
    home: { id: 'home-001', label: '3号楼2单元502' },
    contacts: [daughter, son],
    sharingContacts: [],
    onCall: [worker],
    supervisors: [coordinator],
    communityOnCall: [worker, otherWorker],
    policies: DEFAULT_POLICIES,
    usedCodes: {},
    ...changes,
  }
}

export function withCriticalPolicy(changes: Partial<Policies['critical']>): Policies {
  return { ...DEFAULT_POLICIES, critical: { ...DEFAULT_POLICIES.critical, ...changes } }
}

type InputBody = IncidentInput extends infer Input
  ? Input extends IncidentInput
    ? Omit<Input, 'inputId'>
    : never
  : never

export type RaiseOptions = {
  device?: string
  test?: boolean
  severity?: Severity
  kind?: IncidentKind
  lateMs?: number
  why?: WhyCode
}

/** What the story has seen so far. */
function beginRecord(facts: Facts, receipts: boolean) {
  const record = {
    incident: null as Incident | null,
    nowMs: 0,
    inputs: 0,
    said: [] as string[],
    messages: [] as Message[],
    events: [] as IncidentEvent[],
    home: [] as string[],
    withdrawn: [] as string[],
    /** The newest message to each person. */
    outbox: new Map<string, string>(),
    fold(body: InputBody): FoldVerdict {
      record.inputs += 1
      const input = { ...body, inputId: String(record.inputs) } as IncidentInput
      return record.keep(foldIncident(record.incident, input, facts, record.nowMs))
    },
    keep(result: FoldResult): FoldVerdict {
      record.incident = result.incident ?? record.incident
      record.events.push(...result.events)
      for (const effect of result.effects) {
        if (effect.type === 'TellHome') record.home.push(homeLine(effect))
        if (effect.type === 'SendSms') record.send(effect)
        if (effect.type === 'WithdrawPending') record.withdrawn.push(...effect.outboxIds)
      }
      return result.result
    },
    send({ outboxId, message, recipient }: SendSms): void {
      record.said.push(`${record.nowMs / 1000} s: ${message.purpose} → ${recipient.ref}`)
      record.messages.push(message)
      record.outbox.set(recipient.ref, outboxId)
      if (receipts) record.fold({ type: 'MessageAccepted', outboxId, recipient: recipient.ref })
    },
  }
  return record
}

function homeLine({ status, takenBy }: TellHome): string {
  return takenBy ? `${status} by ${takenBy}` : status
}

/** The incident starts at second 0. `receipts: false`: no provider answers unless the story says so. */
export function beginStory(facts: Facts = factsOfHome(), { receipts = true }: { receipts?: boolean } = {}) {
  const record = beginRecord(facts, receipts)
  const { fold, events, home } = record
  const signal = (body: Omit<Signal, 'at' | 'receivedAt'> & { lateMs?: number }): FoldVerdict => {
    const { lateMs = 0, ...rest } = body
    const said = { ...rest, at: record.nowMs - lateMs, receivedAt: record.nowMs } as Signal
    return fold({ type: 'SignalReceived', signal: said })
  }
  return {
    get incident(): Incident {
      if (!record.incident) throw new Error('no incident yet')
      return record.incident
    },
    events,
    home,
    messages: record.messages,
    facts,
    fold,
    eventTypes: () => events.map(({ type }) => type),
    raise({ device = 'button', severity = 'critical', kind = 'sos', why = WHY_OF[kind], ...rest }: RaiseOptions = {}) {
      const more = { severity, why: { code: why, values: {} }, test: false, ...rest }
      return signal({ type: 'ConditionRaised', ...subject(kind, device), ...more })
    },
    returned: (kind: IncidentKind = 'sos') => signal({ type: 'ConditionReturned', ...subject(kind, 'button') }),
    cancelled: (device = 'button') => signal({ type: 'ConditionCancelled', ...subject('sos', device) }),
    take: (by: Responder, via: 'sms' | 'link' | 'api' = 'sms') => fold({ type: 'Acknowledge', by, via }),
    /** What became of the newest message to this person. */
    receipt(type: 'MessageAccepted' | 'MessageDelivered' | 'MessageUnknown', { ref }: Responder) {
      return fold({ type, outboxId: record.outbox.get(ref) ?? '', recipient: ref })
    },
    fail({ ref }: Responder, permanent = true, errorCode = '30003') {
      const outboxId = record.outbox.get(ref) ?? ''
      return fold({ type: 'MessageFailed', outboxId, recipient: ref, permanent, errorCode })
    },
    /** Moves the clock to this second of the story, firing every timer on the way at its very time. */
    until(second: number) {
      for (;;) {
        const { incident } = record
        if (!incident || incident.wakeAt === null || incident.wakeAt > second * 1000) break
        record.nowMs = Math.max(record.nowMs, incident.wakeAt)
        record.keep(fireTimer(incident, facts, record.nowMs))
        // A fold that leaves the same time due would hang the story instead of failing it.
        expect(record.incident?.wakeAt).not.toBe(incident.wakeAt)
      }
      record.nowMs = second * 1000
    },
    /** Nobody was there to fire timers until this second. */
    awayUntil(second: number) {
      record.nowMs = second * 1000
    },
    /** Exactly these messages, by the order in which they were written from 1 on, have been taken back in all. */
    expectWithdrawn(...numbers: number[]) {
      expect(record.withdrawn.map((outboxId) => Number(outboxId.split('.').at(-1)))).toEqual(numbers)
    },
    /** Exactly these messages, in this order, since the last time they were asked for. */
    expectSms(...expected: string[]) {
      expect(record.said.splice(0)).toEqual(expected)
    },
  }
}

const WHY_OF: Record<IncidentKind, WhyCode> = {
  sos: 'sos-pressed',
  smoke: 'smoke-alarm',
  gas: 'gas-alarm',
  co: 'co-alarm',
  fall: 'fall-alarm',
  leak: 'leak-alarm',
  'bed-exit': 'bed-left',
  vitals: 'heart-rate-low',
  technical: 'fault',
}

function subject(kind: IncidentKind, deviceId: string) {
  return { kind, subject: '', deviceId, deviceKind: 'sos-button' as const, room: null }
}
