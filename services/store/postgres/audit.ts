import type { Queryable } from './pool.ts'

/** One line of the record of who looked at or changed what. Never a number, a name or a secret: ids and field names. */
export type AuditEntry = {
  /** `user:<id>`, `contact:<id>`, `platform`, or `anonymous`. */
  actor: string
  /** The field's own verb: `home.read`, `device.created`, `incident.acknowledged`, … */
  action: string
  homeId?: string | null
  subject?: string | null
  detail?: Record<string, unknown>
}

/** Written in the very transaction of what it records: both are there, or neither is (P7). */
export async function writeAudit(tx: Queryable, entry: AuditEntry): Promise<void> {
  await tx.query({
    name: 'write-audit',
    text: 'insert into audit (actor, action, home_id, subject, detail) values ($1, $2, $3, $4, $5)',
    values: [
      entry.actor,
      entry.action,
      entry.homeId ?? null,
      entry.subject ?? null,
      JSON.stringify(entry.detail ?? {}),
    ],
  })
}
