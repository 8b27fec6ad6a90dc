import type { FastifyInstance } from 'fastify'
import { type FaultRule, type Faults, faultRuleSchema, MAX_FAULTS } from './faults.ts'
import { messageView } from './message-resource.ts'
import { type Message, type MessageStore, phoneOf } from './message-store.ts'
import { isPhoneNumber } from './phone-number.ts'
import type { RequestCounts } from './request-counts.ts'

export type ControlRoutes = {
  store: MessageStore
  faults: Faults
  counts: RequestCounts
  /** A person writes to the gateway's number. */
  receive(from: string, body: string): Message
}

type PhonePath = { Params: { number: string } }

const replySchema = {
  type: 'object',
  additionalProperties: false,
  required: ['body'],
  properties: { body: { type: 'string', minLength: 1, maxLength: 1_600 } },
}

/** What a test or the page asks and does; no part of Twilio's API, so without its login. */
export async function controlRoutes(
  app: FastifyInstance,
  { store, faults, counts, receive }: ControlRoutes,
): Promise<void> {
  app.get('/phones', async () => {
    const counted = new Map<string, number>()
    for (const message of store.all()) counted.set(phoneOf(message), (counted.get(phoneOf(message)) ?? 0) + 1)
    return [...counted].map(([number, messages]) => ({ number, messages }))
  })

  app.get<PhonePath>('/phones/:number/messages', async (request) => {
    const mine = [...store.all()].filter((message) => phoneOf(message) === request.params.number)
    return mine.map(messageView)
  })

  app.post<PhonePath & { Body: { body: string } }>(
    '/phones/:number/messages',
    { schema: { body: replySchema } },
    async (request, reply) => {
      const { number } = request.params
      if (!isPhoneNumber(number)) return reply.badInput('The number in the path must be like +8615500000001.')
      return reply.code(201).send(messageView(receive(number, request.body.body)))
    },
  )

  app.get<{ Querystring: { since?: string } }>('/messages', async (request, reply) => {
    const { since } = request.query
    const sinceMs = since === undefined ? 0 : Date.parse(since)
    if (Number.isNaN(sinceMs)) return reply.badInput('"since" must be an ISO 8601 time.')
    // The page asks every second; while nothing changes the answer has no body.
    const etag = `"${store.revision()}"`
    reply.header('etag', etag).header('cache-control', 'no-cache')
    if (request.headers['if-none-match'] === etag) return reply.code(304).send()
    const newer = [...store.all()].filter((message) => message.acceptedAtMs >= sinceMs)
    return newer.map(messageView)
  })

  app.get('/requests', async () => counts.list())

  app.get('/faults', async () => faults.list())
  app.put<{ Body: FaultRule }>('/faults', { schema: { body: faultRuleSchema } }, async (request, reply) => {
    if (!faults.put(request.body)) return reply.badInput(`At most ${MAX_FAULTS} fault rules; DELETE /faults first.`)
    return faults.list()
  })
  app.delete('/faults', async (_request, reply) => {
    faults.clear()
    return reply.code(204).send()
  })
}
