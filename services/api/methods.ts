import type { FastifyReply, FastifyRequest } from 'fastify'
import { sendProblem } from './errors.ts'
import type { Api } from './server-types.ts'

/** To be called before the routes: answers an address that is there for other methods with 405 and their names. */
export function answerUnknownRoutes(app: Api): void {
  const routes: { address: RegExp; methods: string[] }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    const pattern = url
      .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
      .replace(/:\w+/g, '[^/]+')
      .replace(/\*/g, '.*')
    routes.push({ address: new RegExp(`^${pattern}$`), methods: [method].flat() })
  })
  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    const path = request.url.split('?')[0] ?? ''
    const here = routes.filter(({ address }) => address.test(path)).flatMap(({ methods }) => methods)
    if (here.length === 0 || here.includes(request.method)) return sendProblem(reply, 'not-found')
    return sendProblem(reply.header('allow', [...new Set(here)].sort().join(', ')), 'method-not-allowed')
  })
}
