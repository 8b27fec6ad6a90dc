import type { FastifyRequest } from 'fastify'

export type RequestOutcome =
  | 'accepted'
  | 'rejected'
  | 'rate-limited'
  | 'server-error'
  | 'hung'
  | 'dropped-after-accept'
  | 'read'
  | 'not-found'
  | 'unauthorized'

export type RequestCount = { method: string; path: string; outcome: RequestOutcome; count: number }

export type RequestCounts = ReturnType<typeof createRequestCounts>

/** Counts requests by route (never by the numbers or sids in it), so there are as many lines as routes and outcomes. */
export function createRequestCounts() {
  const counts = new Map<string, RequestCount>()

  function add(request: FastifyRequest, outcome: RequestOutcome): void {
    const path = request.routeOptions.url ?? '/*'
    const key = `${request.method} ${path} ${outcome}`
    const known = counts.get(key)
    if (known) known.count += 1
    else counts.set(key, { method: request.method, path, outcome, count: 1 })
  }

  return { add, list: (): RequestCount[] => [...counts.values()] }
}
