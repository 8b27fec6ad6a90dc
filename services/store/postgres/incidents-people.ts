import type { Responder, ResponderRole } from '../../core/escalation/people.ts'
import type { Sealing } from '../sealing.ts'
import type { Database } from './pool.ts'

type Row = {
  ref: string
  role: ResponderRole
  language: 'zh' | 'en'
  name_sealed: Buffer | null
  name: string | null
  has_phone: boolean
}

const FIND_CONTACT = `
  select 'contact:' || contact_id as ref, role, language, name_sealed, null as name, true as has_phone
  from contact where home_id = $1 and contact_id = $2 and removed_at is null`

const FIND_FORMER = `
  select 'contact:' || contact_id as ref, role, language, name_sealed, null as name, true as has_phone
  from contact where home_id = $1 and 'contact:' || contact_id = $2 and removed_at is not null
  union all
  select 'user:' || user_id, role, language, null, name, phone_sealed is not null
  from app_user where 'user:' || user_id = $2 and disabled_at is not null`

/** A name that cannot be opened (another DATA_KEY, a damaged row) must not keep a home's alarms from everybody. */
export function nameOf(sealing: Sealing, sealed: Uint8Array | null, plain: string | null): string {
  try {
    return sealed === null ? (plain ?? '') : sealing.open(sealed)
  } catch {
    return ''
  }
}

/** Whoever signs in answers as the contact whose phone was told: the one they are tied to, or that has their number. */
const FIND_USER = `
  select coalesce('contact:' || c.contact_id, 'user:' || u.user_id) as ref, coalesce(c.role, u.role) as role,
    coalesce(c.language, u.language) as language, c.name_sealed, u.name,
    c.contact_id is not null or u.phone_sealed is not null as has_phone
  from app_user u
  left join home_member m on m.user_id = u.user_id and m.home_id = $1
  left join lateral (
    select * from contact k
    where k.home_id = $1 and k.removed_at is null and (k.contact_id = m.contact_id or k.phone_hash = u.phone_hash)
    order by k.contact_id = m.contact_id desc nulls last, k.role <> 'family-keyholder', k.position, k.contact_id limit 1
  ) c on true
  where u.user_id = $2 and u.disabled_at is null`

/** @param ref `contact:<id>` or `user:<id>`; anything else is nobody, for the rights of a user are asked by that word */
export async function findResponder(
  database: Database,
  sealing: Sealing,
  homeId: string,
  ref: string,
): Promise<Responder | null> {
  const colon = ref.indexOf(':')
  const id = ref.slice(colon + 1)
  const kind = ref.slice(0, colon)
  if (kind !== 'contact' && kind !== 'user') return null
  const text = kind === 'contact' ? FIND_CONTACT : FIND_USER
  const { rows } = await database.query<Row>(text, [homeId, id])
  return rows[0] ? toResponder(rows[0], sealing) : null
}

/** @param ref as above, of somebody who is on the list no longer */
export async function findFormer(
  database: Database,
  sealing: Sealing,
  homeId: string,
  ref: string,
): Promise<Responder | null> {
  const { rows } = await database.query<Row>(FIND_FORMER, [homeId, ref])
  return rows[0] ? toResponder(rows[0], sealing) : null
}

function toResponder(row: Row, sealing: Sealing): Responder {
  return {
    ref: row.ref,
    name: nameOf(sealing, row.name_sealed, row.name),
    role: row.role,
    language: row.language,
    hasPhone: row.has_phone,
  }
}
