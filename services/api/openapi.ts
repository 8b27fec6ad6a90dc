import swagger from '@fastify/swagger'
import { Problem } from './schemas.ts'
import type { Api } from './server-types.ts'

/** Collects the schema of every route registered after it, and serves them as one document. */
export async function describeRoutes(app: Api): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Anlin 安邻',
        description: 'An open event platform for smart elderly care. Errors are RFC 9457 with a stable `code`.',
        version: '1',
      },
      components: {
        securitySchemes: { session: { type: 'apiKey', in: 'cookie', name: 'anlin_session' } },
      },
    },
  })
  app.addHook('onRoute', (route) => {
    if (!route.schema || route.schema.hide) return
    const response = route.schema.response as Record<string, unknown> | undefined
    route.schema.response = {
      ...response,
      default: { description: 'Refused', content: { 'application/problem+json': { schema: Problem } } },
    }
    if (route.config?.right) route.schema.security = [{ session: [] }]
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}
