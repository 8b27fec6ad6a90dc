import { expect, test } from 'vitest'
import type { ClaimedMessage, Settlement } from '../ports.ts'
import { type SendingPorts, sendClaimed } from './sending.ts'
import { claimedMessage } from './testing/claimed.ts'
import { machineClock, silent, uncounted } from './testing/quiet-ports.ts'

test('an address for receipts that the provider cannot call is said loudly, and the message counts as taken', async () => {
  const settled: Settlement[] = []
  const warned: unknown[] = []
  const counted: unknown[] = []
  const ports = {
    outbox: { settle: async (_: ClaimedMessage, settlement: Settlement) => settled.push(settlement) > 0 },
    provider: {
      send: async () => ({ outcome: 'accepted', providerId: 'SM1', callbackRefused: 'twilio-21609' }),
    },
    statusCallbackUrl: () => 'http://localhost/receipts',
    clock: machineClock,
    log: { ...silent, warn: (fields: unknown) => warned.push(fields) },
    metrics: { ...uncounted, count: (_: string, __: number, labels: unknown) => counted.push(labels) },
    random: () => 0,
  } as unknown as SendingPorts
  const claimed = { message: claimedMessage('m1'), claimedAtMonotonicMs: machineClock.monotonicMs(), nowMs: 0 }
  expect(await sendClaimed(ports, claimed)).toBe('accepted')
  expect(settled).toMatchObject([{ status: 'accepted', providerId: 'SM1' }])
  expect(warned).toEqual([{ outboxId: 'm1', homeId: 'home-001', code: 'twilio-21609' }])
  expect(counted).toEqual([{ outcome: 'accepted' }, { outcome: 'callback-refused' }])
})
