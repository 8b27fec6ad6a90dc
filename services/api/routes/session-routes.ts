import Type from 'typebox'
import { ApiProblem } from '../errors.ts'
import { Me, strict } from '../schemas.ts'
import type { Api, ApiDeps } from '../server-types.ts'
import { clearSessionCookie, setSessionCookie, viewerOf } from '../session.ts'

/** Guesses at one login from one address; beyond it the answer is 429 whatever the password. */
const TRIES_PER_LOGIN = 10
/** Guesses from one address, whatever the logins: a whole office signs in from behind one. */
const TRIES_PER_ADDRESS = 100
const TRIES_WINDOW_MS = 5 * 60_000

const Credentials = Type.Object(
  {
    login: Type.String({ minLength: 1, maxLength: 200 }),
    password: Type.String({ minLength: 1, maxLength: 200 }),
  },
  strict,
)

/** @param streams ends what a session still listens to */
export function sessionRoutes(app: Api, deps: ApiDeps, streams: { endSession(token: string): void }): void {
  const { sessions } = deps.store
  const byLogin = app.createRateLimit({
    max: TRIES_PER_LOGIN,
    timeWindow: TRIES_WINDOW_MS,
    keyGenerator: (request) => `${request.ip} ${(request.body as { login: string }).login}`,
  })
  // By default an IPv6 address counts with its whole /64: one line has all of those.
  const byAddress = app.createRateLimit({
    max: TRIES_PER_ADDRESS,
    timeWindow: TRIES_WINDOW_MS,
  })

  app.post(
    '/session',
    { schema: { tags: ['session'], summary: 'Sign in', body: Credentials, response: { 204: Type.Null() } } },
    async (request, reply) => {
      const limits = [await byAddress(request), await byLogin(request)]
      const waits = limits.flatMap((limit) => (!limit.isAllowed && limit.isExceeded ? [limit.ttlInSeconds] : []))
      if (waits.length > 0) throw new ApiProblem('too-many-requests', { retryAfterS: Math.max(...waits) })
      const { login, password } = request.body
      const session = await sessions.open(login, password)
      if (!session) throw new ApiProblem('wrong-login')
      setSessionCookie(reply, deps, session)
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/session',
    {
      schema: { tags: ['session'], summary: 'Sign out', response: { 204: Type.Null() } },
      config: { right: 'own-session' },
    },
    async (request, reply) => {
      if (request.sessionToken !== null) {
        await sessions.close(request.sessionToken)
        streams.endSession(request.sessionToken)
      }
      clearSessionCookie(reply, deps)
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/me',
    {
      schema: { tags: ['session'], summary: 'Who is signed in', response: { 200: Me } },
      config: { right: 'own-session' },
    },
    async (request) => {
      const { userId, ...viewer } = viewerOf(request)
      return { id: userId, ...viewer, ...(await sessions.memberships(userId)) }
    },
  )
}
