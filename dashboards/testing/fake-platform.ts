import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import type { Contact, Device, Home, Incident } from '../ui/api-types.ts'
import { type Person, people } from './community.ts'

/** As the API's own table of rights has it; `real-api.test.ts` holds the pages against that. */
const MAY_ANSWER = ['admin', 'coordinator', 'social-worker', 'family']
const CONTACT_ROLES = ['family-keyholder', 'family', 'neighbour', 'property-manager']

const HEARTBEAT_MS = 1_000
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}

type Answer = { status: number; body?: unknown }

/**
 * The platform as the pages meet it on the wire: the pages' files with the strict policy, the API, and a stream that
 * can freeze as a broken network does it: connections stay open, and not a byte comes.
 */
export class FakePlatform {
  readonly homes = new Map<string, Home>()
  readonly incidents = new Map<string, Incident>()
  devices: Device[] = []
  #contacts: Contact[] = []
  /** While set, actions are answered with this status. */
  failActionsWith: number | null = null
  readonly withoutCsrfHeader: string[] = []
  readonly #distFolder: string
  readonly #sessions = new Map<string, Person>()
  readonly #streams = new Set<ServerResponse>()
  #frozen: { passed: Promise<void>; pass: () => void } | null = null
  readonly #server = createServer((request, response) => {
    // A browser that gave up in the middle is its own affair.
    this.#serve(request, response).catch((error) => {
      if (!request.destroyed && !response.destroyed) throw error
    })
  })
  readonly #heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS)

  constructor(distFolder: string) {
    this.#distFolder = distFolder
  }

  set contacts(contacts: Contact[]) {
    const wrong = contacts.find(({ role }) => !CONTACT_ROLES.includes(role))
    if (wrong) throw new Error(`the API has no contact of role ${wrong.role}`)
    this.#contacts = contacts
  }

  async listen(): Promise<string> {
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    clearInterval(this.#heartbeat)
    this.pass()
    this.#server.closeAllConnections()
    await new Promise((closed) => this.#server.close(closed))
  }

  freeze(): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#frozen = { passed: promise, pass: resolve }
  }

  pass(): void {
    this.#frozen?.pass()
    this.#frozen = null
  }

  /** Every stream ends, as when the server restarts. */
  cutStreams(): void {
    for (const stream of this.#streams) stream.destroy()
  }

  put(incident: Incident): void {
    this.incidents.set(incident.id, incident)
    const { timeline: _, ...withoutTimeline } = incident
    this.#publish('incident', withoutTimeline)
  }

  putHome(home: Home): void {
    this.homes.set(home.id, home)
    this.#publish('home', { homeId: home.id })
  }

  endSessions(): void {
    this.#sessions.clear()
    this.cutStreams()
  }

  #beat(): void {
    this.#publish('heartbeat', { now: new Date().toISOString() })
  }

  #publish(event: string, data: unknown): void {
    if (this.#frozen) return
    for (const stream of this.#streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await this.#frozen?.passed
    const url = new URL(request.url ?? '/', 'http://platform')
    if (!url.pathname.startsWith('/api/')) return this.#file(url.pathname, response)
    if (request.method !== 'GET' && request.headers['x-anlin-csrf'] !== '1') this.withoutCsrfHeader.push(url.pathname)
    const body = request.method === 'GET' ? {} : await readJson(request)
    const who = this.#sessions.get(/anlin_session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '')
    if (url.pathname === '/api/v1/session') return this.#session(response, body)
    if (!who) return reply(response, { status: 401, body: { code: 'not-signed-in' } })
    if (url.pathname === '/api/v1/stream') return this.#stream(request, response)
    reply(response, request.method === 'GET' ? this.#read(url, who) : this.#act(url.pathname, who, body))
  }

  async #file(path: string, response: ServerResponse): Promise<void> {
    const app = path.startsWith('/desk/') ? 'desk' : 'family'
    const file = extname(path) === '' ? `${app}/index.html` : normalize(path)
    try {
      const content = await readFile(join(this.#distFolder, file))
      response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream')
      response.setHeader('content-security-policy', CONTENT_SECURITY_POLICY)
      response.end(content)
    } catch {
      response.writeHead(404).end()
    }
  }

  #session(response: ServerResponse, body: Record<string, unknown>): void {
    const who = people.find((person) => person.login === body.login && person.password === body.password)
    const token = randomUUID()
    if (who) this.#sessions.set(token, who)
    response.setHeader('set-cookie', `anlin_session=${token}; HttpOnly; SameSite=Strict; Path=/`)
    reply(response, who ? { status: 204 } : { status: 401, body: { code: 'wrong-login' } })
  }

  #stream(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    response.write(`event: heartbeat\ndata: ${JSON.stringify({ now: new Date().toISOString() })}\n\n`)
    this.#streams.add(response)
    request.on('close', () => this.#streams.delete(response))
  }

  #read(url: URL, who: Person): Answer {
    const { pathname } = url
    if (pathname === '/api/v1/me') return { status: 200, body: who }
    const personal = who.role !== 'installer'
    if (pathname === '/api/v1/homes')
      return list([...this.homes.values()].map((home) => (personal ? home : withoutPerson(home))))
    if (pathname.endsWith('/devices')) return list(this.devices)
    if (pathname.endsWith('/contacts')) return personal ? list(this.#contacts) : NOT_ALLOWED
    if (pathname === '/api/v1/incidents') {
      const wanted = url.searchParams.getAll('status')
      const incidents = [...this.incidents.values()].filter((incident) => personal || incident.severity === 'technical')
      return list(incidents.filter((incident) => wanted.includes(incident.status)))
    }
    const incident = this.incidents.get(pathname.split('/').at(-1) ?? '')
    return incident && (personal || incident.severity === 'technical')
      ? { status: 200, body: incident }
      : { status: 404, body: { code: 'not-found' } }
  }

  #act(path: string, who: Person, body: Record<string, unknown>): Answer {
    const [, , , , id = '', verb] = path.split('/')
    const incident = this.incidents.get(id)
    if (!MAY_ANSWER.includes(who.role)) return NOT_ALLOWED
    if (!incident) return { status: 404, body: { code: 'not-found' } }
    if (this.failActionsWith) return { status: this.failActionsWith, body: { code: 'internal' } }
    const at = new Date().toISOString()
    const answer = (change: Partial<Incident>, type: string): Answer => {
      const entry = {
        seq: (incident.timeline?.length ?? 0) + 1,
        at,
        type,
        body: { by: { ref: `user:${who.id}`, name: who.name, role: who.role }, ...body },
      }
      this.put({ ...incident, ...change, timeline: [...(incident.timeline ?? []), entry] })
      return { status: 200, body: this.incidents.get(id) }
    }
    if (verb === 'acknowledge') {
      const { takenBy } = incident
      if (takenBy && takenBy.id !== who.id) return { status: 409, body: { code: 'already-taken', takenBy } }
      const taken = { id: who.id, contactId: null, name: who.name, role: who.role, at }
      return answer({ status: 'acknowledged', takenBy: taken, nextStep: null }, 'Taken')
    }
    if (verb === 'arrived') return answer({ arrivedAt: at }, 'Arrived')
    if (verb === 'join') return answer({}, 'Joined')
    if (verb === 'notes') return answer({}, 'NoteAdded')
    return answer({ status: 'resolved', resolvedAt: at, outcome: body.outcome as 'real' }, 'Resolved')
  }
}

const NOT_ALLOWED: Answer = { status: 403, body: { code: 'not-allowed' } }

function withoutPerson(home: Home): Home {
  const unseen = { lastSignOfLifeAt: null, lastSignOfLifeRoom: null, lastSignOfLifeInBed: false }
  return { ...home, residentName: null, state: { ...home.state, ...unseen } }
}

function list(items: unknown[]): Answer {
  return { status: 200, body: { items, nextCursor: null } }
}

function reply(response: ServerResponse, { status, body }: Answer): void {
  const type = status < 400 ? 'application/json' : 'application/problem+json'
  if (body === undefined) response.writeHead(status).end()
  else response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body))
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text === '' ? {} : JSON.parse(text)
}
