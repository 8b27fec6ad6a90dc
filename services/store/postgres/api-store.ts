import type { ApiStore } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import { createContacts } from './api-contacts.ts'
import { createDevices } from './api-devices.ts'
import { createHomes } from './api-homes.ts'
import { createIncidentViews, createMessageLinks } from './api-incidents.ts'
import { createStoredMessages } from './api-messages.ts'
import { createSessions } from './api-sessions.ts'
import { createSetupLinks } from './api-setup.ts'
import { createUsers } from './api-users.ts'
import type { Database } from './pool.ts'

/**
 * All that the API reads and writes.
 * @param sessionKey SESSION_KEY
 * @param records for what was stored of a home, which may take long
 */
export function createApiStore(pool: Database, sealing: Sealing, sessionKey: string, records = pool): ApiStore {
  return {
    sessions: createSessions(pool, sessionKey),
    homes: createHomes(pool, sealing),
    devices: createDevices(pool, sealing),
    contacts: createContacts(pool, sealing),
    users: createUsers(pool, sealing),
    incidents: createIncidentViews(pool, sealing),
    links: createMessageLinks(pool, sealing),
    messages: createStoredMessages(records),
    setup: createSetupLinks(pool, sealing),
  }
}
