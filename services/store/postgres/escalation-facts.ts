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
  in_community: boolean
}
type CodeRow = { ref: string; code: number; given_at_ms: number; xid: string; incident_id: string }
type HomeRow = { label: string; policies: Partial<Policies> | null }

/**
 * One row of JSON with all that the escalation has to know of a home ($1) and its people: a part of the one statement
 * that reads a home, so that everything is of one snapshot.
 */
export const FACTS_CTES = `
  place as (
    select h.home_id, h.label, h.settings -> 'escalation' as policies, h.grid_cell_id, c.community
    from home h join grid_cell c using (grid_cell_id) where h.home_id = $1
  ), family as (
    select 'contact:' || contact_id as ref, role, language, true as has_phone, phone_hash,
      encode(name_sealed, 'hex') as name_sealed, null as name, false as on_call, false as in_cell, false as in_community,
      position
    from contact where home_id = $1 and removed_at is null
  ), staff as (
    select 'user:' || u.user_id as ref, u.role, u.language, u.phone_sealed is not null as has_phone, u.phone_hash,
      null as name_sealed, u.name, u.on_call,
      exists (select from cell_member m join place p using (grid_cell_id) where m.user_id = u.user_id) as in_cell,
      exists (select from cell_member m join grid_cell c using (grid_cell_id) join place p using (community)
              where m.user_id = u.user_id) as in_community,
      0 as position
    from app_user u
    where u.disabled_at is null and (u.role in ('coordinator', 'admin') or (u.role = 'social-worker' and u.on_call))
  ), people as (select * from family union all select * from staff)`

export const FACTS_COLUMNS = `
  (select json_build_object('label', label, 'policies', policies) from place) as home,
  (select json_agg(p order by p.position, p.ref) from (
     select ref, role, language, has_phone, encode(phone_hash, 'hex') as phone_hash, name_sealed, name, on_call, in_cell, in_community, position from people) p
  ) as people,
  (select json_agg(json_build_object('ref', p.ref, 'code', c.code, 'xid', c.xmin::text, 'incident_id', c.incident_id,
                                     'given_at_ms', extract(epoch from c.given_at) * 1000) order by c.given_at)
   from people p join phone_code c using (phone_hash)) as codes`

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
  const responders = (wanted: PersonRow[]) =>
    [...new Set(wanted.map(ownerOf))].map((person) => responder(person, sealing))
  return {
    codes,
    facts: {
      home: { id: homeId, label: row.home?.label ?? '' },
      contacts: responders(people.filter(isContact).sort(byRole)),
      onCall: responders(people.filter((person) => person.role === 'social-worker' && person.in_cell)),
      supervisors: responders(supervisors(people)),
      communityOnCall: responders(people.filter((person) => person.role === 'social-worker' && person.in_community)),
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

/** The coordinator on duty for the cell, else any coordinator, else the administrators: the first who have a phone. */
function supervisors(people: PersonRow[]): PersonRow[] {
  const coordinators = people.filter((person) => person.role === 'coordinator')
  const onDuty = coordinators.filter((person) => person.on_call && person.in_cell)
  const administrators = people.filter((person) => person.role === 'admin')
  const groups = [onDuty, coordinators, administrators]
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
