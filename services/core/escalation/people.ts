import { readsLikeEmergency } from '../message/reply.ts'
import type { Policies, Target } from './policy.ts'

export type ResponderRole =
  | 'family-keyholder'
  | 'family'
  | 'neighbour'
  | 'property-manager'
  | 'social-worker'
  | 'coordinator'
  | 'admin'

/** Somebody who can be told and can answer. */
export type Responder = {
  /** `contact:<id>` or `user:<id>` */
  ref: string
  name: string
  role: ResponderRole
  language: 'zh' | 'en'
  hasPhone: boolean
}

/** What the escalation needs to know about the world besides the incident, read by the caller at `now`. */
export type Facts = {
  home: { id: string; label: string }
  /** Contacts of the home, in the order in which they are to be told. */
  contacts: Responder[]
  /** Contacts who share a phone with one of these and so are told as that one; on the list all the same. */
  sharingContacts: string[]
  /** On-call social workers of the home's cell. */
  onCall: Responder[]
  /** The coordinator on duty for the cell, else any of the cell, else any of the community, else the administrators. */
  supervisors: Responder[]
  /** Every on-call worker of the community. */
  communityOnCall: Responder[]
  /** Defaults, with what the home's row has of its own laid over them. */
  policies: Policies
  /** Codes given to each person's phone in the last 72 h, oldest first; of whoever may be told now. */
  usedCodes: Record<string, number[]>
}

/** Persons a target means now; empty when there is nobody. Reachable or not is the step's question. */
export function peopleFor(target: Target, facts: Facts): Responder[] {
  const keyholder = facts.contacts.find((contact) => contact.role === 'family-keyholder')
  switch (target) {
    case 'keyholder':
      return keyholder ? [keyholder] : []
    case 'second-family':
    case 'second-contact': {
      const others = facts.contacts.filter((contact) => contact !== keyholder)
      const family = others.filter(isFamily)
      const second = family.find((contact) => contact.role === 'family-keyholder') ?? family[0]
      // Neighbours come before property managers in the order of the contacts.
      const next = target === 'second-contact' ? (second ?? others[0]) : second
      return next ? [next] : []
    }
    case 'on-call':
      return facts.onCall
    case 'supervisor':
      return facts.supervisors
    case 'community-on-call':
      return facts.communityOnCall
  }
}

/** A contact of an earlier moment who is none any more: nothing of the home is their business now. */
export function isOffTheList({ ref }: { ref: string }, facts: Facts): boolean {
  if (!ref.startsWith('contact:') || facts.sharingContacts.includes(ref)) return false
  return !facts.contacts.some((contact) => contact.ref === ref)
}

export function isFamily(person: { role: ResponderRole }): boolean {
  return person.role === 'family-keyholder' || person.role === 'family'
}

/** From 10 to 99, without those that a lost space turns into an emergency number. */
const CODES = Array.from({ length: 90 }, (_, index) => index + 10).filter((code) => !readsLikeEmergency(code))

/**
 * A two-digit code for this incident on this person's phone. Spread by a hash, so that two incidents of one evening
 * do not look alike; when all were given in the last 72 h, the one given longest ago is taken again.
 */
export function chooseCode(incidentId: string, ref: string, used: readonly number[]): number {
  const start = hash(`${incidentId}/${ref}`)
  const first = start % CODES.length
  const free = [...CODES.slice(first), ...CODES.slice(0, first)].find((code) => !used.includes(code))
  return free ?? used.find((code) => CODES.includes(code)) ?? (CODES[first] as number)
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0
  return value
}
