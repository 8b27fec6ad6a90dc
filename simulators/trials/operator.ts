import type { Came } from './counting.ts'
import type { DemoFile } from './platform-process.ts'

/** Everything of the last day, in pages as large as the API gives. */
const LOOK_BACK_MS = 86_400_000
const PAGE = 500

type Page<Item> = { items: Item[]; nextCursor: string | null }
type IncidentSeen = {
  id: string
  openedAt: string
  /** The latest that raised it. */
  deviceId: string | null
  homeId: string
  kind: string
  status: string
  takenBy: { name: string } | null
}

/** What an operator asks of the platform over its HTTP API. */
export type Operator = {
  incidents(homeId: string): Promise<IncidentSeen[]>
  acknowledge(incidentId: string): Promise<void>
  /** Closes whatever nobody has taken, as a drill. Returns how many that were. */
  closeOpen(): Promise<number>
  /** Takes in a home with one keyholder, in a grid cell of its own. */
  takeIn(homeId: string, phone: string): Promise<void>
  /** Hangs a device into a home; its login at the broker. */
  place(homeId: string, device: Record<string, unknown>): Promise<Login>
  /** The ids of all messages of a home that are stored, and how often each is. */
  storedIds(homeId: string): Promise<Map<string, number>>
  /** What a device measured since `fromMs` by its own time, in ms, and how far behind the history said it was; null: away. */
  history(device: Measured, fromMs: number): Promise<{ atMs: number[]; behindMs: number } | null>
}
type Login = { username: string; password: string }
type Measured = { homeId: string; deviceId: string; field: string }
type History = { items: { at: string }[]; nextCursor: string | null; behindMs: number }

export async function signIn(demo: Pick<DemoFile, 'http' | 'users'>): Promise<Operator> {
  const admin = demo.users.find(({ role }) => role === 'admin')
  const answer = await fetch(`${demo.http}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ login: admin?.login, password: admin?.password }),
  })
  if (!answer.ok) throw new Error(`sign in: ${answer.status} ${await answer.text()}`)
  const headers = { cookie: (answer.headers.getSetCookie()[0] ?? '').split(';')[0] ?? '', 'x-anlin-csrf': '1' }

  async function read<Item>(path: string, query: Record<string, string>): Promise<Item[]> {
    const items: Item[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const search = new URLSearchParams({ ...query, limit: String(PAGE), ...(cursor === '' ? {} : { cursor }) })
      const page = await fetch(`${demo.http}/api/v1${path}?${search}`, { headers })
      if (!page.ok) throw new Error(`read ${path}: ${page.status} ${await page.text()}`)
      const { items: more, nextCursor } = (await page.json()) as Page<Item>
      items.push(...more)
      cursor = nextCursor
    }
    return items
  }
  async function send(path: string, body: object, expected = [200, 201]): Promise<unknown> {
    const answer = await fetch(`${demo.http}/api/v1${path}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!expected.includes(answer.status)) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return answer.json()
  }

  return {
    incidents: (homeId) => read('/incidents', { homeId, kind: 'sos' }),
    async acknowledge(incidentId) {
      await send(`/incidents/${incidentId}/acknowledge`, {})
    },
    async closeOpen() {
      const open = await read<IncidentSeen>('/incidents', { status: 'open' })
      for (const { id } of open) {
        // One that ended meanwhile is over too.
        await send(`/incidents/${id}/resolve`, { outcome: 'drill', personSeenOrHeard: true }, [200, 409])
      }
      return open.length
    },
    async takeIn(homeId, phone) {
      const newGridCell = { community: homeId, name: homeId }
      await send('/homes', { id: homeId, label: homeId, gridCellId: `cell-of-${homeId}`, newGridCell })
      await send(`/homes/${homeId}/contacts`, { name: homeId, role: 'family-keyholder', phone })
    },
    async place(homeId, device) {
      const { username, password } = (await send(`/homes/${homeId}/devices`, device)) as Login
      return { username, password }
    },
    history: (device, fromMs) => readHistory(demo.http, headers, device, fromMs),
    async storedIds(homeId) {
      const stored = await read<{ payload: string | null }>(`/homes/${homeId}/observations`, day())
      const ids = stored.flatMap(({ payload }) => /"id":"([^"]+)"/.exec(payload ?? '')?.[1] ?? [])
      return ids.reduce((counted, id) => counted.set(id, (counted.get(id) ?? 0) + 1), new Map<string, number>())
    },
  }
}

async function readHistory(
  http: string,
  headers: Record<string, string>,
  { homeId, deviceId, field }: Measured,
  fromMs: number,
): ReturnType<Operator['history']> {
  const atMs: number[] = []
  let from: string | null = new Date(fromMs).toISOString()
  let behindMs = 0
  while (from !== null) {
    const search = new URLSearchParams({ deviceId, field, from, to: day().to })
    const answer = await fetch(`${http}/api/v1/homes/${homeId}/history?${search}`, { headers })
    if (answer.status === 503) return null
    if (!answer.ok) throw new Error(`read history: ${answer.status} ${await answer.text()}`)
    const page = (await answer.json()) as History
    atMs.push(...page.items.map(({ at }) => Date.parse(at)))
    behindMs = Math.max(behindMs, page.behindMs)
    from = page.nextCursor
  }
  return { atMs, behindMs }
}

function day(): { from: string; to: string } {
  const now = Date.now()
  return { from: new Date(now - LOOK_BACK_MS).toISOString(), to: new Date(now + LOOK_BACK_MS).toISOString() }
}

/** The home's incidents as what came of its buttons. */
export async function incidentsOf(operator: Operator, homeId: string): Promise<Came[]> {
  const incidents = await operator.incidents(homeId)
  return incidents.map(({ deviceId, openedAt }) => ({ button: deviceId ?? '', atMs: Date.parse(openedAt) }))
}

/** One figure of a process's metrics page, summed over its labels; 0 where it was never counted. */
export async function metric(http: string, name: string): Promise<number> {
  const text = await (await fetch(`${http}/metrics`)).text()
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))]
  return values.reduce((sum, [, value]) => sum + Number(value), 0)
}
