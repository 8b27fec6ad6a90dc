import type { Sealing } from '../sealing.ts'

/** The fields of answers and of the story in which people write what they like: a person's health, a door's code. */
const NOTES = ['text', 'note']

/** For the database: what a person wrote is sealed, all else stays readable there. */
export function sealNotes<Body extends object>(body: Body, sealing: Sealing): object {
  return mapNotes(body, (value) =>
    typeof value === 'string' ? { sealed: sealing.seal(value).toString('base64') } : value,
  )
}

/** As it was before `sealNotes`. */
export function openNotes<Body extends object>(body: Body, sealing: Sealing): Body {
  return mapNotes(body, (value) => {
    const isSealed = typeof value === 'object' && value !== null && 'sealed' in value
    return isSealed ? sealing.open(Buffer.from(String(value.sealed), 'base64')) : value
  }) as Body
}

function mapNotes(body: object, change: (value: unknown) => unknown): object {
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [key, NOTES.includes(key) ? change(value) : value]),
  )
}
