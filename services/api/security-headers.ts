import type { Api } from './server-types.ts'

/** Nothing inline, nothing from elsewhere, nobody around us. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

export const SECURITY_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  // Addresses hold ids and the secrets of links.
  'referrer-policy': 'no-referrer',
}

export function addSecurityHeaders(app: Api): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS)
    if (!request.url.startsWith('/family/') && !request.url.startsWith('/desk/')) {
      reply.header('cache-control', 'no-store')
    }
  })
}
