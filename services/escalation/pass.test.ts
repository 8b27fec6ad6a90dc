import { expect, test } from 'vitest'
import type { Incident } from '../core/incident/incident.ts'
import { factsOfHome } from '../core/incident/story.ts'
import type { EscalationView } from '../ports.ts'
import { createMessageWriter } from './messages.ts'
import { planPass } from './pass.ts'

const writer = createMessageWriter({ publicUrl: 'https://anlin.example', linkToken: (outboxId) => outboxId })

function pressed(n: number): EscalationView['inputs'][number] {
  return {
    incidentId: null,
    input: {
      inputId: `${n + 1}`,
      type: 'SignalReceived',
      signal: {
        type: 'ConditionRaised',
        kind: 'sos',
        subject: `${n}`,
        deviceId: 'button',
        deviceKind: 'sos-button',
        room: null,
        at: 0,
        receivedAt: 0,
        severity: 'critical',
        why: { code: 'sos-pressed', values: {} },
        test: false,
      },
    },
  }
}

/** So many alarms at once that two of them would begin with the same code. */
function stormOf(alarms: number): EscalationView {
  const inputs = Array.from({ length: alarms }, (_, n) => pressed(n))
  const facts = factsOfHome({ usedCodes: { daughter: [37], worker: [44] } })
  return { nowMs: 0, lastPass: 0, incidents: [], inputs, moreInputs: false, facts, codes: [], drawnIds: [] }
}

test('alarms of one pass get different codes on one phone, and the pass keeps what it went by', () => {
  const view = stormOf(40)
  const commit = planPass('home-001', view, 0, writer, (_, error) => expect.unreachable(String(error)))
  const codes = commit?.messages.filter(({ recipient }) => recipient === 'daughter').map(({ code }) => code) ?? []
  expect(codes).toHaveLength(40)
  expect(new Set([...codes, 37]).size).toBe(41)
  expect(commit?.usedCodes).toEqual({ daughter: [37] })
  expect(view.facts.usedCodes).toEqual({ daughter: [37], worker: [44] })
})

test('a receipt for an incident that cannot be followed any more keeps no other alarm of the home waiting', () => {
  const ignore = () => undefined
  const opened = planPass('home-001', stormOf(1), 0, writer, ignore)
  const [kept] = opened?.incidents ?? []
  const [message] = opened?.messages ?? []
  if (!kept || !message) throw new Error('no incident')
  const broken = { ...kept.incident, policy: {} as Incident['policy'] }
  const { outboxId, recipient } = message
  const receipt = { type: 'MessageDelivered', inputId: '1', outboxId, recipient } as const
  const inputs = [{ incidentId: broken.id, input: receipt }, pressed(1)]
  const refused: string[] = []
  const view = { ...stormOf(0), incidents: [broken], inputs }
  const commit = planPass('home-001', view, 0, writer, (what) => refused.push(what))
  expect(commit?.messages).toContainEqual(expect.objectContaining({ recipient: 'daughter' }))
  expect(refused).toEqual([`next step of ${broken.id}`])
})
