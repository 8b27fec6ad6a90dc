import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'

const FILES = [
  { route: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { route: '/page.css', file: 'page.css', type: 'text/css; charset=utf-8' },
  { route: '/page.js', file: 'page.js', type: 'text/javascript; charset=utf-8' },
  { route: '/zh.js', file: 'zh.js', type: 'text/javascript; charset=utf-8' },
  { route: '/en.js', file: 'en.js', type: 'text/javascript; charset=utf-8' },
]

const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** The page that shows the phones. Its few files are read once, at the start. */
export async function pageRoutes(app: FastifyInstance): Promise<void> {
  for (const { route, file, type } of FILES) {
    const content = await readFile(join(import.meta.dirname, 'page', file))
    app.get(route, async (_request, reply) =>
      reply
        .type(type)
        .header('content-security-policy', CONTENT_SECURITY_POLICY)
        .header('x-content-type-options', 'nosniff')
        .header('referrer-policy', 'no-referrer')
        .send(content),
    )
  }
}
