import { type Answer, readIncident, readMe } from './api.ts'
import type { Incident } from './api-types.ts'
import { type LinkStatus, LiveLink, type ReadResult, type StreamEvent, type StreamHandlers } from './live-link.ts'
import { LiveStore, type Snapshot } from './live-store.ts'

const STREAM_URL = '/api/v1/stream'

/** What a page draws from. `nowMs` is the server's time, so ages are right on a computer whose clock is wrong. */
export type LiveView = {
  status: LinkStatus
  nowMs: number
  confirmedAtMs: number | null
  facts: Snapshot | null
  /** The platform answers, but this person may not see what the page shows. */
  refused: boolean
}

/** A read in the page's reactive world: `view` changes at every word from the server and each second. */
export class Live {
  view = $state.raw<LiveView>({
    status: 'connecting',
    nowMs: Date.now(),
    confirmedAtMs: null,
    facts: null,
    refused: false,
  })
  readonly #store = new LiveStore()
  readonly #link: LiveLink
  #refused = false

  /** `rereadMs`: how soon a hint that a home or device changed is followed by a read. */
  constructor(readFacts: () => Promise<Answer<Snapshot>>, rereadMs: number) {
    this.#link = new LiveLink({
      openStream,
      readSnapshot: async () => {
        this.#store.readingStarted()
        const facts = await readFacts()
        this.#store.readingEnded(facts.ok ? facts.value : null)
        this.#refused = !facts.ok && facts.failure.kind === 'refused'
        return readResult(facts)
      },
      checkSession: async () => readResult(await readMe()),
      received: (name, data) => {
        const incident = name === 'incident' ? incidentOf(data) : null
        if (incident) this.#store.put(incident)
        else this.#link.rereadWithin(rereadMs)
      },
      changed: () => this.#show(),
      after: (delayMs, run) => {
        const timer = setTimeout(run, delayMs)
        return () => clearTimeout(timer)
      },
      monotonicMs: () => performance.now(),
      wallMs: () => Date.now(),
      random: () => Math.random(),
    })
  }

  start(): void {
    this.#link.start()
  }

  /** Ends the stream and forgets what was read, so that nothing personal stays on a signed-out page. */
  end(): void {
    this.#link.stop()
    this.#store.clear()
    this.view = { status: 'signed-out', nowMs: Date.now(), confirmedAtMs: null, facts: null, refused: false }
  }

  /** Sends something about one incident, takes in what the server answers, and gives that on. */
  async ask(id: string, send: () => Promise<Answer<Incident | undefined>>): Promise<Answer<Incident | undefined>> {
    const askedAt = this.#store.moment()
    const answer = await send()
    if (!answer.ok) return answer
    const now = answer.value ? answer : await readIncident(id)
    if (now.ok && now.value && !this.#store.answered(now.value, askedAt)) this.reread()
    this.#show()
    return answer
  }

  reread(): void {
    this.#link.rereadWithin(0)
  }

  #show(): void {
    this.view = {
      status: this.#link.status(),
      nowMs: this.#link.serverNowMs() ?? Date.now(),
      confirmedAtMs: this.#link.confirmedServerMs(),
      facts: this.#store.snapshot(),
      refused: this.#refused,
    }
  }
}

function readResult(answer: Answer<unknown>): ReadResult {
  if (answer.ok) return 'read'
  return answer.failure.kind === 'signed-out' ? 'signed-out' : 'failed'
}

/** Null for what cannot be read: then the facts are read anew, as after any other hint. */
function incidentOf(data: string): Incident | null {
  try {
    return JSON.parse(data)
  } catch {
    return null
  }
}

function openStream(handlers: StreamHandlers): { close(): void } {
  const source = new EventSource(STREAM_URL)
  const names: StreamEvent[] = ['incident', 'home', 'device', 'heartbeat', 'reset']
  source.addEventListener('open', handlers.opened)
  source.addEventListener('error', handlers.failed)
  for (const name of names) {
    source.addEventListener(name, (event: MessageEvent<string>) => handlers.event(name, event.data))
  }
  return source
}
