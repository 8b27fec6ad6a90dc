/** What a process can be told to do; all of it, or some. */
export const ROLES = ['ingest', 'rules', 'escalation', 'notify', 'history', 'api'] as const
export type Role = (typeof ROLES)[number]
