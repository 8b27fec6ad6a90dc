import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify from 'fastify'
import type { ApiServer } from './api.ts'
import { closeInTime } from './closing.ts'
import { answerUnreadable, createErrorHandler } from './errors.ts'
import { answerUnknownRoutes } from './methods.ts'
import { operationRoutes } from './routes/operation-routes.ts'
import { addSecurityHeaders } from './security-headers.ts'
import type { Api, ApiDeps } from './server-types.ts'

const BODY_LIMIT_BYTES = 1_024
const REQUEST_TIMEOUT_MS = 10_000

/** The operator's routes alone, for processes that are not the API. */
export function createOperations(
  deps: Pick<ApiDeps, 'readiness' | 'metricsText' | 'log'>,
): Pick<ApiServer, 'listen' | 'close'> {
  const app: Api = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    clientErrorHandler: answerUnreadable,
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.setErrorHandler(createErrorHandler(deps.log))
  answerUnknownRoutes(app)
  addSecurityHeaders(app)
  operationRoutes(app, deps)
  return {
    async listen({ host, port }) {
      return { url: await app.listen({ host, port }) }
    },
    close: () => closeInTime(app),
  }
}
