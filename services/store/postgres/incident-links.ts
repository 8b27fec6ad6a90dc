import type { Sealing } from '../sealing.ts'
import type { Database } from './pool.ts'

/** 120 bits: nobody guesses one, and the link stays short enough for an SMS. */
const TOKEN_CHARACTERS = 20

/** The secret of a message's link. Made from the message's id and our key, so that nothing has to be remembered. */
export function linkToken(sealing: Sealing, outboxId: string): string {
  return sealing.secretHash(`link of ${outboxId}`).toString('base64url').slice(0, TOKEN_CHARACTERS)
}

export type IncidentLink = {
  homeId: string
  incidentId: string
  /** `contact:<id>` or `user:<id>`: who answers by this link. */
  recipient: string
}

/** Null when there is none, when it is older than 72 h, or when its person is no contact of the home any more. */
export async function findLink(database: Database, sealing: Sealing, token: string): Promise<IncidentLink | null> {
  const { rows } = await database.query<IncidentLink>(
    `select home_id as "homeId", incident_id as "incidentId", recipient from incident_link l
     where token_hash = $1 and expires_at > platform_now() and not exists (
       select from contact c
       where c.home_id = l.home_id and 'contact:' || c.contact_id = l.recipient and c.removed_at is not null)`,
    [sealing.secretHash(token)],
  )
  return rows[0] ?? null
}
