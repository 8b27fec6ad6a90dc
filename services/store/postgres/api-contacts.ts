import { randomBytes, randomUUID } from 'node:crypto'
import type { ContactChange, Contacts, ContactView, Language, Scope } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import { actorOf, HOME_VISIBLE, isHomeVisible, readAudited, scopeValues } from './api-scope.ts'
import { writeAudit } from './audit.ts'
import { createContact } from './homes.ts'
import { DIRECT_ROWS, directRow, INSERT_DIRECT } from './outbox-direct.ts'
import { type Database, inTransaction, type Queryable } from './pool.ts'

/** More people than this nobody tells in one night. */
const MAX_CONTACTS_PER_HOME = 30
/** A test costs money and rings somebody's phone. */
const TEST_EVERY_S = 60
const TEST_PRIORITY = 2

type ContactRow = {
  contact_id: string
  name_sealed: Buffer
  phone_sealed: Buffer
  role: ContactView['role']
  language: Language
  position: number
}
const COLUMNS = 'c.contact_id, c.name_sealed, c.phone_sealed, c.role, c.language, c.position'

export function createContacts(pool: Database, sealing: Sealing): Contacts {
  return {
    list: (scope, homeId) =>
      readAudited(
        pool,
        scope,
        async (tx) => {
          if (!(await isHomeVisible(tx, scope, homeId))) return null
          const { rows } = await tx.query<ContactRow>(
            `select ${COLUMNS} from contact c where c.home_id = $1 and c.removed_at is null
             order by c.position, c.contact_id`,
            [homeId],
          )
          return rows.map((row) => toView(row, sealing))
        },
        (contacts) => (contacts ? { action: 'contacts.read', homeId } : null),
      ),
    create: (scope, homeId, contact) =>
      inTransaction(pool, async (tx) => {
        if (!(await isHomeVisible(tx, scope, homeId))) return null
        const { rows } = await tx.query<{ count: number }>(
          'select count(*)::int as count from contact where home_id = $1 and removed_at is null',
          [homeId],
        )
        if ((rows[0]?.count ?? 0) >= MAX_CONTACTS_PER_HOME) return 'too-many'
        const contactId = `c-${randomBytes(6).toString('hex')}`
        await createContact(tx, sealing, { homeId, contactId, ...contact })
        await writeAudit(tx, { actor: actorOf(scope), action: 'contact.created', homeId, subject: contactId })
        return { contactId, ...contact }
      }),
    change: (scope, homeId, contactId, change) =>
      inTransaction(pool, (tx) => changeContact(tx, sealing, scope, { homeId, contactId }, change)),
    test: (scope, homeId, contactId, write) =>
      inTransaction(pool, async (tx) => {
        const { rows } = await tx.query<{ label: string; language: Language; tested: boolean }>(
          `select h.label, c.language, exists (
               select from outbox o where o.home_id = h.home_id and o.recipient = 'contact:' || c.contact_id
                 and o.purpose = 'contact-test' and o.created_at > platform_now() - ${TEST_EVERY_S} * interval '1 second'
             ) as tested
           from home h join contact c using (home_id)
           where h.home_id = $3 and c.contact_id = $4 and c.removed_at is null and ${HOME_VISIBLE}
           for update of c`,
          [...scopeValues(scope), homeId, contactId],
        )
        const found = rows[0]
        if (!found) return null
        if (found.tested) return 'too-soon'
        const outboxId = `test.${randomUUID()}`
        const message = {
          homeId,
          outboxId,
          recipient: `contact:${contactId}`,
          purpose: 'contact-test',
          priority: TEST_PRIORITY,
          body: write({ homeLabel: found.label, language: found.language }),
          phone: null,
        }
        await tx.query(`with direct as (${DIRECT_ROWS}) ${INSERT_DIRECT}`, [
          JSON.stringify([directRow(message, sealing)]),
        ])
        await writeAudit(tx, { actor: actorOf(scope), action: 'contact.tested', homeId, subject: contactId })
        return { outboxId }
      }),
  }
}

async function changeContact(
  tx: Queryable,
  sealing: Sealing,
  scope: Scope,
  { homeId, contactId }: { homeId: string; contactId: string },
  change: ContactChange,
): Promise<ContactView | null> {
  if (!(await isHomeVisible(tx, scope, homeId))) return null
  const { name, phone, role, language, position } = change
  const { rows } = await tx.query<ContactRow>(
    `update contact c set name_sealed = coalesce($3, name_sealed), phone_sealed = coalesce($4, phone_sealed),
       phone_hash = coalesce($5, phone_hash), role = coalesce($6, role), language = coalesce($7, language),
       position = coalesce($8, position), removed_at = case when $9 then now() end
     where c.home_id = $1 and c.contact_id = $2 and c.removed_at is null returning ${COLUMNS}`,
    [
      homeId,
      contactId,
      name === undefined ? null : sealing.seal(name),
      phone === undefined ? null : sealing.seal(phone),
      phone === undefined ? null : sealing.phoneHash(phone),
      role ?? null,
      language ?? null,
      position ?? null,
      change.removed === true,
    ],
  )
  const row = rows[0]
  if (!row) return null
  const fields = Object.keys(change).filter((field) => change[field as keyof ContactChange] !== undefined)
  const action = change.removed ? 'contact.removed' : 'contact.changed'
  await writeAudit(tx, { actor: actorOf(scope), action, homeId, subject: contactId, detail: { fields } })
  return toView(row, sealing)
}

function toView(row: ContactRow, sealing: Sealing): ContactView {
  return {
    contactId: row.contact_id,
    name: sealing.open(row.name_sealed),
    role: row.role,
    phone: sealing.open(row.phone_sealed),
    language: row.language,
    position: row.position,
  }
}
