import type { Incident } from './api-types.ts'
import type { Words } from './texts/zh.ts'

/** What happened, in words. "Device fault" alone says too little, so there the reason is the title. */
export function incidentTitle(incident: Incident, words: Words): string {
  const reason = incident.why ? words.why(incident.why.code) : null
  return incident.kind === 'technical' && reason ? reason : words.kind(incident.kind)
}
