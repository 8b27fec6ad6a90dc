import formbody from '@fastify/formbody'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { ApiProblem } from '../errors.ts'
import type { Api, ApiDeps } from '../server-types.ts'

/** TwiML for "nothing to say": what a person is told in answer goes out by the outbox, like every message. */
const NO_ANSWER = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'

type Params = Record<string, unknown>

/**
 * What the SMS provider pushes. The signature is checked before anything is read, and it is answered only when it is
 * committed: a provider that gets no 2xx knows that we do not have it.
 */
export async function webhookRoutes(app: Api, deps: ApiDeps): Promise<void> {
  await app.register(formbody)
  app.addHook('preHandler', async (request) => {
    const header = request.headers['x-twilio-signature']
    const signed = deps.webhooks.isSigned({
      pathAndQuery: request.raw.url ?? '/',
      params: paramsOf(request),
      signature: typeof header === 'string' ? header : undefined,
    })
    if (!signed) throw new ApiProblem('not-signed-by-provider')
  })

  app.post(
    '/message-status',
    {
      schema: {
        tags: ['webhooks'],
        summary: 'What became of a message',
        querystring: Type.Object({ outboxId: Type.String({ minLength: 1, maxLength: 300 }) }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const receipt = deps.webhooks.readReceipt(paramsOf(request))
      if (receipt) await deps.onStatusCallback({ ...receipt, outboxId: request.query.outboxId })
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/incoming-message',
    { schema: { tags: ['webhooks'], summary: 'What a person wrote to us', response: { 200: Type.String() } } },
    async (request, reply) => {
      const message = deps.webhooks.readIncoming(paramsOf(request))
      if (message) await deps.onIncomingMessage(message)
      return reply.type('text/xml; charset=utf-8').send(NO_ANSWER)
    },
  )
}

function paramsOf(request: FastifyRequest): Params {
  const { body } = request
  return typeof body === 'object' && body !== null ? (body as Params) : {}
}
