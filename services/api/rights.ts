import type { Scope, UserRole, Viewer } from '../ports.ts'

/** What a role may do at all. Where it may do so is the scope's question; both are asked on every request. */
const RIGHTS = {
  'own-session': ['admin', 'coordinator', 'social-worker', 'family', 'resident', 'installer', 'auditor'],
  'read-incidents': ['admin', 'coordinator', 'social-worker', 'family', 'resident', 'installer', 'auditor'],
  'answer-incidents': ['admin', 'coordinator', 'social-worker', 'family'],
  'read-homes': ['admin', 'coordinator', 'social-worker', 'family', 'resident', 'installer', 'auditor'],
  'create-homes': ['admin'],
  'change-homes': ['admin', 'coordinator'],
  'read-devices': ['admin', 'coordinator', 'social-worker', 'family', 'resident', 'installer', 'auditor'],
  'change-devices': ['admin', 'coordinator', 'installer'],
  'read-contacts': ['admin', 'coordinator', 'social-worker', 'family', 'resident', 'auditor'],
  'change-contacts': ['admin', 'coordinator'],
  'test-contacts': ['admin', 'coordinator', 'social-worker'],
  'read-users': ['admin', 'auditor'],
  'change-users': ['admin'],
  'read-measurements': ['admin', 'coordinator', 'social-worker', 'family', 'resident', 'auditor'],
} as const satisfies Record<string, readonly UserRole[]>
export type Right = keyof typeof RIGHTS

export function may(role: UserRole, right: Right): boolean {
  const roles: readonly UserRole[] = RIGHTS[right]
  return roles.includes(role)
}

/** The one place where a role becomes a reach. */
export function scopeOf({ userId, role }: Pick<Viewer, 'userId' | 'role'>): Scope {
  switch (role) {
    case 'admin':
    case 'auditor':
      return { userId, reach: 'all', personal: true }
    case 'coordinator':
    case 'social-worker':
      return { userId, reach: 'cells', personal: true }
    case 'installer':
      return { userId, reach: 'cells', personal: false }
    case 'family':
    case 'resident':
      return { userId, reach: 'homes', personal: true }
  }
}
