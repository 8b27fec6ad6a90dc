import type { Contact, Device, Home, Incident } from './api-types.ts'

/** One read of everything a page shows. `details` is there on pages that look at one home. */
export type Snapshot = {
  homes: Home[]
  incidents: Incident[]
  details: { homeId: string; devices: Device[]; contacts: Contact[] } | null
}

/** The page's facts: the last snapshot, with the incidents that came by stream or as an answer laid over it. */
export class LiveStore {
  #incidents = new Map<string, Incident>()
  #arrivedWhileReading: Map<string, Incident> | null = null
  #snapshot: Snapshot | null = null

  snapshot(): Snapshot | null {
    return this.#snapshot && { ...this.#snapshot, incidents: [...this.#incidents.values()] }
  }

  /** From now on incidents that arrive are newer than what is being read, whichever answer comes first. */
  readingStarted(): void {
    this.#arrivedWhileReading = new Map()
  }

  readingEnded(snapshot: Snapshot | null): void {
    const arrived = this.#arrivedWhileReading ?? new Map<string, Incident>()
    this.#arrivedWhileReading = null
    if (!snapshot) return
    this.#snapshot = snapshot
    this.#incidents = new Map(snapshot.incidents.map((incident) => [incident.id, incident]))
    for (const incident of arrived.values()) this.#lay(incident)
  }

  put(incident: Incident): void {
    this.#arrivedWhileReading?.set(incident.id, incident)
    this.#lay(incident)
  }

  clear(): void {
    this.#incidents.clear()
    this.#snapshot = null
    this.#arrivedWhileReading = null
  }

  #lay(incident: Incident): void {
    if (incident.status === 'resolved') this.#incidents.delete(incident.id)
    else this.#incidents.set(incident.id, incident)
  }
}
