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
  #arrivals = 0
  /** By incident, which arrival by stream was its last. */
  readonly #lastArrival = new Map<string, number>()

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

  /** What the stream says is newer than all that came before. */
  put(incident: Incident): void {
    this.#arrivals += 1
    this.#lastArrival.set(incident.id, this.#arrivals)
    this.#arrivedWhileReading?.set(incident.id, incident)
    this.#lay(incident)
  }

  /** To be noted before something is asked of the server, and given to `answered`. */
  moment(): number {
    return this.#arrivals
  }

  /**
   * Takes in what the server answered. False when the stream told of this incident meanwhile: which of the two is newer
   * cannot be seen, so what the stream said stays, and the facts have to be read anew.
   */
  answered(incident: Incident, askedAt: number): boolean {
    if ((this.#lastArrival.get(incident.id) ?? 0) > askedAt) return false
    this.#arrivedWhileReading?.set(incident.id, incident)
    this.#lay(incident)
    return true
  }

  clear(): void {
    this.#incidents.clear()
    this.#snapshot = null
    this.#arrivedWhileReading = null
    this.#lastArrival.clear()
  }

  #lay(incident: Incident): void {
    if (incident.status === 'resolved') this.#incidents.delete(incident.id)
    else this.#incidents.set(incident.id, incident)
  }
}
