import type { Facts, Responder, ResponderRole } from '../../core/escalation/people.ts'
import { DEFAULT_POLICIES, type Policies } from '../../core/escalation/policy.ts'
import type { GivenCode } from '../../ports.ts'
import type { Sealing } from '../sealing.ts'
import { nameOf } from './incidents-people.ts'

/** A code is not given to the same phone again for 72 h (domain: reply grammar). */
const CODE_REST_MS = 72 * 3_600_000

type PersonRow = {
  ref: string
  role: ResponderRole
  language: 'zh' | 'en'
  has_phone: boolean
  /** Hex; the same for two entries that ring the same phone. */
  phone_hash: string | null
  /** A contact's name is sealed, a user's is not; hex. */
  name_sealed: string | null
  name: string | null
  on_call: boolean
  in_cell: boolean
}
type CodeRow = { ref: string; code: number; given_at_ms: number; xid: string; incident_id: string }
type HomeRow = { label: string; policies: Partial<Policies> | null }

/**
 * One row of JSON with all that the escalation has to know of a home ($1) and its people: a part of the one statement
 * that reads a home, so that everything is of one snapshot. Of the staff only what the home's community has, for a
 * platform has many; the administrators only where it has no coordinator to be told. Codes are those on the phones of all
 * these and of whoever else the pass may write to: who has an incident, and who answers or is asked to take over (`waiting`).
 */
export const FACTS_CTES = `
  place as (
    select h.home_id, h.label, h.settings -> 'escalation' as policies, h.grid_cell_id, c.community
    from home h join grid_cell c using (grid_cell_id) where h.home_id = $1
  ), family as (
    select 'contact:' || contact_id as ref, role, language, true as has_phone, phone_hash,
      encode(name_sealed, 'hex') as name_sealed, null as name, false as on_call, false as in_cell, position
    from contact where home_id = $1 and removed_at is null
  ), staff as (
    select 'user:' || u.user_id as ref, u.role, u.language, u.phone_sealed is not null as has_phone, u.phone_hash,
      null as name_sealed, u.name, u.on_call, bool_or(c.grid_cell_id = p.grid_cell_id) as in_cell, 0 as position
    from place p join grid_cell c using (community) join cell_member m on m.grid_cell_id = c.grid_cell_id
    join app_user u on u.user_id = m.user_id
    where u.disabled_at is null and (u.role = 'coordinator' or (u.role = 'social-worker' and u.on_call))
    group by u.user_id
  ), administrators as (
    select 'user:' || user_id as ref, role, language, phone_sealed is not null as has_phone, phone_hash,
      null as name_sealed, name, on_call, false as in_cell, 0 as position
    from app_user
    where role = 'admin' and disabled_at is null
      and not exists (select from staff where role = 'coordinator' and has_phone)
  ), people as (
    select * from family union all select * from staff union all select * from administrators
  ), mentioned as (
    select body #>> '{by,ref}' as ref from waiting union select body #>> '{to,ref}' from waiting
    union select state #>> '{takenBy,ref}' from incident where home_id = $1 and status = 'acknowledged'
  ), phones as (
    select ref, phone_hash from people where phone_hash is not null union
    select 'user:' || user_id, phone_hash from app_user
    where phone_hash is not null and user_id in (select substr(ref, 6) from mentioned where ref like 'user:%')
  )`

export const FACTS_COLUMNS = `
  (select json_build_object('label', label, 'policies', policies) from place) as home,
  (select json_agg(p order by p.position, p.ref) from (
     select ref, role, language, has_phone, encode(phone_hash, 'hex') as phone_hash, name_sealed, name, on_call, in_cell, position from people) p
  ) as people,
  (select json_agg(json_build_object('ref', p.ref, 'code', c.code, 'xid', c.xmin::text, 'incident_id', c.incident_id,
                                     'given_at_ms', extract(epoch from c.given_at) * 1000) order by c.given_at)
   from phones p join phone_code c using (phone_hash)) as codes`

export type FactsRow = { home: HomeRow | null; people: PersonRow[] | null; codes: CodeRow[] | null }

export function readFacts(
  homeId: string,
  row: FactsRow,
  nowMs: number,
  sealing: Sealing,
): { facts: Facts; codes: GivenCode[] } {
  const people = row.people ?? []
  const ownerOf = onePerPhone(people)
  const codes = (row.codes ?? []).map((code) => ({
    ref: code.ref,
    code: code.code,
    givenAtMs: code.given_at_ms,
    xid: code.xid,
    incidentId: code.incident_id,
  }))
  const contacts = people.filter(isContact).sort(byRole)
  const responders = (wanted: PersonRow[]) =>
    [...new Set(wanted.map(ownerOf))].map((person) => responder(person, sealing))
  return {
    codes,
    facts: {
      home: { id: homeId, label: row.home?.label ?? '' },
      contacts: responders(contacts),
      sharingContacts: contacts.filter((person) => ownerOf(person) !== person).map(({ ref }) => ref),
      onCall: responders(people.filter((person) => person.role === 'social-worker' && person.in_cell)),
      supervisors: responders(supervisors(people)),
      communityOnCall: responders(people.filter((person) => person.role === 'social-worker')),
      policies: { ...DEFAULT_POLICIES, ...row.home?.policies },
      usedCodes: usedCodes(codes, nowMs),
    },
  }
}

const TOLD_FIRST: readonly ResponderRole[] = ['family-keyholder', 'family', 'neighbour', 'property-manager']

/** The sort is stable: within a role the order stays that of the contacts' positions. */
function byRole(one: PersonRow, other: PersonRow): number {
  return TOLD_FIRST.indexOf(one.role) - TOLD_FIRST.indexOf(other.role)
}

function isContact(person: PersonRow): boolean {
  return person.name_sealed !== null
}

/**
 * Who is told on a phone that several entries share: the first contact, else the first of the staff. A daughter who is
 * also the worker on call is one person, and a number entered twice is no second family member.
 */
function onePerPhone(people: PersonRow[]): (person: PersonRow) => PersonRow {
  const owners = new Map<string, PersonRow>()
  for (const person of [...people.filter(isContact).sort(byRole), ...people]) {
    if (person.phone_hash !== null && !owners.has(person.phone_hash)) owners.set(person.phone_hash, person)
  }
  return (person) => owners.get(person.phone_hash ?? '') ?? person
}

/**
 * The coordinator on duty for the cell, else any of the cell, else any of the community, else the administrators: the
 * first who have a phone. Another community's coordinators learn nothing of this home.
 */
function supervisors(people: PersonRow[]): PersonRow[] {
  const coordinators = people.filter((person) => person.role === 'coordinator')
  const ofCell = coordinators.filter((person) => person.in_cell)
  const onDuty = ofCell.filter((person) => person.on_call)
  const administrators = people.filter((person) => person.role === 'admin')
  const groups = [onDuty, ofCell, coordinators, administrators]
  const isReachable = (group: PersonRow[]) => group.some((person) => person.has_phone)
  return groups.find(isReachable) ?? groups.find((group) => group.length > 0) ?? []
}

function usedCodes(codes: GivenCode[], nowMs: number): Record<string, number[]> {
  const used: Record<string, number[]> = {}
  for (const { ref, code, givenAtMs } of codes) {
    if (givenAtMs < nowMs - CODE_REST_MS) continue
    used[ref] ??= []
    used[ref].push(code)
  }
  return used
}

function responder(person: PersonRow, sealing: Sealing): Responder {
  return {
    ref: person.ref,
    name: nameOf(sealing, person.name_sealed === null ? null : Buffer.from(person.name_sealed, 'hex'), person.name),
    role: person.role,
    language: person.language,
    hasPhone: person.has_phone,
  }
}
