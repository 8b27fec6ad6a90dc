import Type from 'typebox'
import { ApiProblem } from '../errors.ts'
import type { Api, ApiDeps } from '../server-types.ts'
import { viewerOf } from '../session.ts'
import { openListener } from '../stream/connection.ts'
import { rightsOf, type StreamHub } from '../stream/hub.ts'

/** A desk has a few windows open; more streams of one session are a fault of a page. */
const MAX_STREAMS_PER_SESSION = 8
/** Each holds a socket and up to 1 MiB of what it has not read. */
const MAX_STREAMS = 2_000

export function streamRoute(app: Api, deps: ApiDeps, hub: StreamHub): void {
  app.get(
    '/stream',
    {
      schema: {
        tags: ['stream'],
        summary: 'Server-sent events: `incident` (the whole incident), `home`, `device`, `heartbeat`, `reset`',
        headers: Type.Object({ 'last-event-id': Type.Optional(Type.String({ maxLength: 100 })) }),
        produces: ['text/event-stream'],
        response: { 200: Type.String() },
      },
      config: { right: 'read-incidents' },
      // A HEAD would open a stream that nobody reads.
      exposeHeadRoute: false,
    },
    async (request, reply) => {
      const token = request.sessionToken ?? ''
      const viewer = viewerOf(request)
      const rights = await rightsOf(viewer, deps.store)
      // Counted after the wait: of many that ask at once each would else find room.
      if (hub.count(token) >= MAX_STREAMS_PER_SESSION || hub.count() >= MAX_STREAMS) {
        throw new ApiProblem('too-many-streams')
      }
      reply.hijack()
      reply.raw.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // A proxy that gathers answers would hold back an alarm.
        'x-accel-buffering': 'no',
      })
      // With nothing to say yet a page would otherwise not learn that it is connected.
      reply.raw.flushHeaders()
      const listener = openListener(reply.raw, { token, userId: viewer.userId, ...rights }, hub.remove)
      hub.add(listener, request.headers['last-event-id'] ?? null)
    },
  )
}
