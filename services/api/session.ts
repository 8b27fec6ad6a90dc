import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Scope, Viewer } from '../ports.ts'
import { ApiProblem } from './errors.ts'
import { may, scopeOf } from './rights.ts'
import type { Api, ApiDeps } from './server-types.ts'

const SESSION_COOKIE = 'anlin_session'
const UNSAFE = ['POST', 'PUT', 'PATCH', 'DELETE']
const OWN_SITE = ['same-origin', 'none']

/** Who asks, whether the request comes from our own page, and whether the role permits it: before any body is read. */
export function guardRoutes(app: Api, deps: Pick<ApiDeps, 'store'>): void {
  app.addHook('onRequest', async (request) => {
    const token = request.cookies[SESSION_COOKIE] ?? null
    if (UNSAFE.includes(request.method)) refuseCrossSite(request, token)
    const { right } = request.routeOptions.config
    if (right === undefined) return
    const viewer = token === null ? null : await deps.store.sessions.find(token)
    if (!viewer) throw new ApiProblem('not-signed-in')
    if (!may(viewer.role, right)) throw new ApiProblem('not-permitted')
    request.viewer = viewer
    request.sessionToken = token
  })
}

/** A form or a script of another site can send our cookie, but neither this header nor this fetch site. */
function refuseCrossSite(request: FastifyRequest, token: string | null): void {
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && !OWN_SITE.includes(String(site))) throw new ApiProblem('cross-site')
  if (token !== null && request.headers['x-anlin-csrf'] !== '1') throw new ApiProblem('cross-site')
}

export function viewerOf(request: FastifyRequest): Viewer {
  if (!request.viewer) throw new ApiProblem('not-signed-in')
  return request.viewer
}

export function scopeFor(request: FastifyRequest): Scope {
  return scopeOf(viewerOf(request))
}

export function setSessionCookie(reply: FastifyReply, deps: ApiDeps, session: { token: string; expiresAtMs: number }) {
  reply.setCookie(SESSION_COOKIE, session.token, { ...cookieOptions(deps), expires: new Date(session.expiresAtMs) })
}

export function clearSessionCookie(reply: FastifyReply, deps: ApiDeps): void {
  reply.clearCookie(SESSION_COOKIE, cookieOptions(deps))
}

function cookieOptions(deps: ApiDeps) {
  return {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    secure: deps.publicUrl.startsWith('https:'),
  } as const
}
