import { expect, test } from 'vitest'
import { factsOfHome } from '../core/incident/story.ts'
import type { EscalationView } from '../ports.ts'
import { createMessageWriter } from './messages.ts'
import { planPass } from './pass.ts'

const writer = createMessageWriter({ publicUrl: 'https://anlin.example', linkToken: (outboxId) => outboxId })

/** So many alarms at once that two of them would begin with the same code. */
function stormOf(alarms: number): EscalationView {
  const inputs = Array.from({ length: alarms }, (_, n) => ({
    incidentId: null,
    input: {
      inputId: `${n + 1}`,
      type: 'SignalReceived' as const,
      signal: {
        type: 'ConditionRaised' as const,
        kind: 'sos' as const,
        subject: `${n}`,
        deviceId: 'button',
        deviceKind: 'sos-button' as const,
        room: null,
        at: 0,
        receivedAt: 0,
        severity: 'critical' as const,
        why: { code: 'sos-pressed' as const, values: {} },
        test: false,
      },
    },
  }))
  const facts = factsOfHome({ usedCodes: { daughter: [37], worker: [44] } })
  return { nowMs: 0, lastPass: 0, incidents: [], inputs, moreInputs: false, facts, codes: [] }
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
