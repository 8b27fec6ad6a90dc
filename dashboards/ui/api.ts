import createClient from 'openapi-fetch'
import type { Contact, Device, Home, Incident, Me, Outcome, Problem, paths, TakenBy } from './api-types.ts'

/** A request without an answer by then counts as not delivered; taking twice changes nothing, so it may be repeated. */
const ANSWER_LIMIT_MS = 8_000
/** A list longer than this many pages is a fault of the server: the read fails rather than going on for ever. */
const LIST_PAGES_MAX = 200

/** Why a read or an action did not succeed. `not-delivered` covers no network, no answer in time and server faults. */
export type Failure =
  | { kind: 'signed-out' }
  | { kind: 'not-delivered' }
  | { kind: 'already-taken'; takenBy: TakenBy }
  | { kind: 'refused'; code: string; status: number }

export type Answer<T> = { ok: true; value: T } | { ok: false; failure: Failure }

// The custom header makes a cross-site form unable to send what this page sends.
const client = createClient<paths>({
  headers: { 'x-anlin-csrf': '1' },
  credentials: 'same-origin',
  fetch: (request) => fetch(request, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) }),
})

type Reply<T> = Promise<{ data?: T; error?: Problem | undefined; response: Response }>

function failureOf(status: number, problem: Problem | undefined): Failure {
  if (status === 401) return { kind: 'signed-out' }
  if (problem?.code === 'already-taken' && problem.takenBy) return { kind: 'already-taken', takenBy: problem.takenBy }
  if (status >= 500) return { kind: 'not-delivered' }
  return { kind: 'refused', code: problem?.code ?? 'unknown', status }
}

async function answer<T>(reply: Reply<T>): Promise<Answer<T>> {
  try {
    const { data, error, response } = await reply
    if (response.ok) return { ok: true, value: data as T }
    return { ok: false, failure: failureOf(response.status, error) }
  } catch {
    return { ok: false, failure: { kind: 'not-delivered' } }
  }
}

async function everyPage<T>(
  read: (cursor: { cursor?: string }) => Reply<{ items: T[]; nextCursor: string | null }>,
): Promise<Answer<T[]>> {
  const items: T[] = []
  let cursor: { cursor?: string } = {}
  for (let page = 0; page < LIST_PAGES_MAX; page += 1) {
    const got = await answer(read(cursor))
    if (!got.ok) return got
    items.push(...got.value.items)
    if (got.value.nextCursor === null) return { ok: true, value: items }
    cursor = { cursor: got.value.nextCursor }
  }
  return { ok: false, failure: { kind: 'not-delivered' } }
}

export function signIn(login: string, password: string): Promise<Answer<undefined>> {
  return answer(client.POST('/api/v1/session', { body: { login, password } }))
}

export function signOut(): Promise<Answer<undefined>> {
  return answer(client.DELETE('/api/v1/session'))
}

export function readMe(): Promise<Answer<Me>> {
  return answer(client.GET('/api/v1/me'))
}

export function readHomes(): Promise<Answer<Home[]>> {
  return everyPage((query) => client.GET('/api/v1/homes', { params: { query } }))
}

export function readDevices(homeId: string): Promise<Answer<Device[]>> {
  return everyPage((query) => client.GET('/api/v1/homes/{id}/devices', { params: { path: { id: homeId }, query } }))
}

export function readContacts(homeId: string): Promise<Answer<Contact[]>> {
  return everyPage((query) => client.GET('/api/v1/homes/{id}/contacts', { params: { path: { id: homeId }, query } }))
}

export function readUnresolvedIncidents(): Promise<Answer<Incident[]>> {
  return everyPage((page) =>
    client.GET('/api/v1/incidents', { params: { query: { status: ['open', 'acknowledged'], ...page } } }),
  )
}

export function readIncident(id: string): Promise<Answer<Incident>> {
  return answer(client.GET('/api/v1/incidents/{id}', { params: { path: { id } } }))
}

export function takeIncident(id: string): Promise<Answer<Incident>> {
  return answer(client.POST('/api/v1/incidents/{id}/acknowledge', { params: { path: { id } }, body: {} }))
}

export function joinIncident(id: string): Promise<Answer<Incident>> {
  return answer(client.POST('/api/v1/incidents/{id}/join', { params: { path: { id } }, body: {} }))
}

export function reportArrived(id: string): Promise<Answer<Incident>> {
  return answer(client.POST('/api/v1/incidents/{id}/arrived', { params: { path: { id } }, body: {} }))
}

export type Resolution = { outcome: Outcome; note: string; personSeenOrHeard: boolean }

export function resolveIncident(id: string, resolution: Resolution): Promise<Answer<Incident>> {
  return answer(client.POST('/api/v1/incidents/{id}/resolve', { params: { path: { id } }, body: resolution }))
}

export function addNote(id: string, text: string): Promise<Answer<Incident>> {
  return answer(client.POST('/api/v1/incidents/{id}/notes', { params: { path: { id } }, body: { text } }))
}
