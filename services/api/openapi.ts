import swagger from '@fastify/swagger'
import { html, sendPage, wordsOf } from './pages/html.ts'
import { Problem } from './schemas.ts'
import type { Api } from './server-types.ts'

/** Collects the schema of every route registered after it, and serves them as one document and as a page to read. */
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
  app.get('/docs', { schema: { hide: true } }, async (_request, reply) => {
    const rows = Object.entries(app.swagger().paths ?? {}).flatMap(([path, methods]) =>
      Object.entries(methods ?? {}).map(
        ([method, operation]) =>
          html`<tr><td><code>${method.toUpperCase()}</code></td><td><code>${path}</code></td><td>${(operation as { summary?: string }).summary ?? ''}</td></tr>
`,
      ),
    )
    const body = html`<p>Every field and answer: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1). Pages sign in by
<code>POST /api/v1/session</code>; what changes something needs the header <code>x-anlin-csrf: 1</code>.</p>
<table><thead><tr><th>Method</th><th>Path</th><th>What</th></tr></thead><tbody>
${rows}</tbody></table>`
    return sendPage(reply, 200, wordsOf('en'), 'API', body)
  })
}
