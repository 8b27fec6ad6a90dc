/** What the platform lets a role do, as far as a page has to know it: no button whose press would be refused. */

const ANSWER = ['admin', 'coordinator', 'social-worker', 'family']
/** Sees technical incidents only, so that an empty list says nothing of people. */
const TECHNICAL_ONLY = ['installer']

export function mayAnswer({ role }: { role: string }): boolean {
  return ANSWER.includes(role)
}

export function seesEmergencies({ role }: { role: string }): boolean {
  return !TECHNICAL_ONLY.includes(role)
}
