import cookie from '@fastify/cookie'
import rateLimit from '@fastify/rate-limit'
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import fastify from 'fastify'
import { closeInTime } from './closing.ts'
import { answerUnreadable, createErrorHandler, sendProblem } from './errors.ts'
import { answerUnknownRoutes } from './methods.ts'
import { describeRoutes } from './openapi.ts'
import { answerRoutes } from './routes/answer-routes.ts'
import { contactRoutes } from './routes/contact-routes.ts'
import { deviceRoutes } from './routes/device-routes.ts'
import { homeRoutes } from './routes/home-routes.ts'
import { incidentRoutes } from './routes/incident-routes.ts'
import { linkRoutes } from './routes/link-routes.ts'
import { operationRoutes } from './routes/operation-routes.ts'
import { pageRoutes } from './routes/page-routes.ts'
import { recordRoutes } from './routes/record-routes.ts'
import { sessionRoutes } from './routes/session-routes.ts'
import { setupRoutes } from './routes/setup-routes.ts'
import { streamRoute } from './routes/stream-route.ts'
import { userRoutes } from './routes/user-routes.ts'
import { webhookRoutes } from './routes/webhook-routes.ts'
import { addSecurityHeaders } from './security-headers.ts'
import type { Api, ApiDeps } from './server-types.ts'
import { guardRoutes } from './session.ts'
import { createStreamHub, type StreamHub } from './stream/hub.ts'

/** No request of ours is larger: settings of a home, a note, the provider's form. Beyond it: 413. */
const BODY_LIMIT_BYTES = 65_536
/** A request must have come in whole by then; the connection is closed. Streams are answers and go on. */
const REQUEST_TIMEOUT_MS = 10_000
/** Ids in addresses; longer ones are nobody's. */
const PARAM_LENGTH = 256

export type ApiServer = {
  app: Api
  /** @param port 0 = any free port */
  listen(address: { host: string; port: number }): Promise<{ url: string }>
  /** Ends the streams, finishes what was asked, takes no more. */
  close(): Promise<void>
}

export async function createApi(deps: ApiDeps): Promise<ApiServer> {
  const app: Api = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    clientErrorHandler: answerUnreadable,
    trustProxy: deps.trustProxy && deps.trustProxy.length > 0 ? deps.trustProxy : false,
    routerOptions: { maxParamLength: PARAM_LENGTH },
    frameworkErrors: (_error, _request, reply) => void sendProblem(reply, 'not-found'),
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.setValidatorCompiler(TypeBoxValidatorCompiler)
  app.setErrorHandler(createErrorHandler(deps.log))
  answerUnknownRoutes(app)
  // JSON alone; forms are read where they are expected.
  app.removeContentTypeParser('text/plain')
  app.decorateRequest('viewer', null)
  app.decorateRequest('sessionToken', null)
  addSecurityHeaders(app)
  const hub = createStreamHub(deps)
  app.addHook('preClose', async () => hub.close())
  await describeRoutes(app)
  await app.register(cookie)
  await app.register(rateLimit, { global: false })
  await app.register(async (scope: Api) => apiRoutes(scope, deps, hub), { prefix: '/api/v1' })
  await app.register(async (scope: Api) => webhookRoutes(scope, deps), { prefix: '/webhooks/twilio' })
  await app.register(async (scope: Api) => linkRoutes(scope, deps))
  await app.register(async (scope: Api) => setupRoutes(scope, deps))
  await app.register(async (scope: Api) => pageRoutes(scope, deps))
  operationRoutes(app, deps)
  await app.ready()
  return {
    app,
    async listen({ host, port }) {
      return { url: await app.listen({ host, port }) }
    },
    close: () => closeInTime(app),
  }
}

function apiRoutes(app: Api, deps: ApiDeps, hub: StreamHub): void {
  guardRoutes(app, deps)
  sessionRoutes(app, deps, hub)
  incidentRoutes(app, deps)
  answerRoutes(app, deps)
  homeRoutes(app, deps)
  deviceRoutes(app, deps)
  contactRoutes(app, deps)
  userRoutes(app, deps)
  recordRoutes(app, deps)
  streamRoute(app, deps, hub)
}
