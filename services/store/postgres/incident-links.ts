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

/**
 * Whether the person may still be asked: a contact of the home, or staff who would be told of it today. `o` is the
 * message the link was in: it belongs to the phone it was sent to, and whoever has a new number gets a new link.
 */
const STILL_THEIRS = `
  exists (
    select from contact c where c.home_id = o.home_id and 'contact:' || c.contact_id = o.recipient
      and c.removed_at is null and c.phone_hash = o.phone_hash
  ) or exists (
    select from app_user u where 'user:' || u.user_id = o.recipient
      and u.disabled_at is null and u.phone_hash = o.phone_hash and case u.role
        when 'admin' then true
        when 'coordinator' then true
        when 'family' then exists (select from home_member m where m.home_id = o.home_id and m.user_id = u.user_id)
        when 'social-worker' then exists (
          select from home h join grid_cell own using (grid_cell_id) join grid_cell near using (community)
          join cell_member m on m.grid_cell_id = near.grid_cell_id
          where h.home_id = o.home_id and m.user_id = u.user_id)
        else false end)`

/** Null when there is none, when it is older than 72 h, or when it is no longer its person's. */
export async function findLink(database: Database, sealing: Sealing, token: string): Promise<IncidentLink | null> {
  const { rows } = await database.query<IncidentLink & { outboxId: string }>(
    `select l.home_id as "homeId", l.incident_id as "incidentId", l.recipient, o.outbox_id as "outboxId"
     from incident_link l join outbox o using (home_id, incident_id, recipient)
     where l.token_hash = $1 and l.expires_at > platform_now() and (${STILL_THEIRS})`,
    [sealing.secretHash(token)],
  )
  // The same person may have been sent several: the link's own message is the one its token is made from.
  const found = rows.find(({ outboxId }) => linkToken(sealing, outboxId) === token)
  return found ? { homeId: found.homeId, incidentId: found.incidentId, recipient: found.recipient } : null
}
