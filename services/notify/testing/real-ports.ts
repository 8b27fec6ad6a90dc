import type { Clock, Incidents, IncomingMessages, Outbox, SmsProvider } from '../../ports.ts'
import { createIncidents } from '../../store/postgres/incidents.ts'
import { createIncomingMessages } from '../../store/postgres/incoming-messages.ts'
import { createOutbox } from '../../store/postgres/outbox.ts'
import type { Database } from '../../store/postgres/pool.ts'
import type { Sealing } from '../../store/sealing.ts'
import { createTwilioSms } from '../../store/sms/twilio.ts'
import { machineClock } from './quiet-ports.ts'

/** Ours at the gateway. */
export const ACCOUNT = { accountSid: `AC${'1'.repeat(32)}`, authToken: 'test', fromNumber: '+8615500000000' }

export type Ports = {
  incidents: Incidents
  outbox: Outbox
  incoming: IncomingMessages
  provider: SmsProvider
  clock: Clock
}

export function portsOf(pool: Database, sealing: Sealing, gatewayUrl: string): Ports {
  return {
    incidents: createIncidents(pool, sealing),
    outbox: createOutbox(pool, sealing),
    incoming: createIncomingMessages(pool, sealing),
    provider: createTwilioSms({ ...ACCOUNT, apiUrl: gatewayUrl }),
    clock: machineClock,
  }
}
