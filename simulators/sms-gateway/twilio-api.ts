import { timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Delivery } from './delivery.ts'
import type { Fault, Faults } from './faults.ts'
import { type ListQuery, listMessages } from './message-list.ts'
import { messageResource } from './message-resource.ts'
import type { Message, MessageStore } from './message-store.ts'
import { isPhoneNumber } from './phone-number.ts'
import type { RequestCounts } from './request-counts.ts'
import { twilioError } from './twilio-errors.ts'

const MAX_BODY_CHARACTERS = 1_600
/** A hung request is cut after this, so that it cannot hold its socket for ever. */
const HANG_MS = 60_000

export type TwilioApi = {
  accountSid: string
  authToken: string
  fromNumber: string
  store: MessageStore
  faults: Faults
  delivery: Delivery
  counts: RequestCounts
}

type Form = Record<string, string | string[] | undefined>
type AccountPath = { AccountSid: string }
type CreateMessage = { Params: AccountPath; Body: Form }

/** Twilio's REST API of 2010-04-01, as far as messages go. */
export async function twilioApi(app: FastifyInstance, api: TwilioApi): Promise<void> {
  const { store, counts } = api

  app.addHook('onRequest', async (request, reply) => {
    if (!isAuthorized(request, api)) {
      counts.add(request, 'unauthorized')
      reply.header('www-authenticate', 'Basic realm="Twilio API"')
      return sendError(reply, 20003)
    }
    if ((request.params as AccountPath).AccountSid !== api.accountSid) return sendNotFound(request, reply)
  })
  app.setErrorHandler((_error, request, reply) => {
    counts.add(request, 'server-error')
    return sendError(reply, 20500)
  })

  app.post<CreateMessage>('/Accounts/:AccountSid/Messages.json', async (request, reply) =>
    createMessage(api, request, reply),
  )

  app.get<{ Params: AccountPath & { Sid: string } }>(
    '/Accounts/:AccountSid/Messages/:Sid.json',
    async (request, reply) => {
      const message = store.get(request.params.Sid)
      if (!message) return sendNotFound(request, reply)
      counts.add(request, 'read')
      return messageResource(api.accountSid, message)
    },
  )

  app.get<{ Params: AccountPath; Querystring: ListQuery }>('/Accounts/:AccountSid/Messages.json', async (request) => {
    counts.add(request, 'read')
    const found = listMessages(store.all(), request.query)
    const uri = (page: number, token?: string) => pageUri(api.accountSid, request.query, found.pageSize, page, token)
    const start = found.page * found.pageSize
    return {
      end: start + Math.max(found.messages.length - 1, 0),
      first_page_uri: uri(0),
      next_page_uri: found.nextAfterSid === null ? null : uri(found.page + 1, `PA${found.nextAfterSid}`),
      page: found.page,
      page_size: found.pageSize,
      previous_page_uri: null,
      messages: found.messages.map((message) => messageResource(api.accountSid, message)),
      start,
      uri: uri(found.page, request.query.PageToken),
    }
  })

  app.all('/*', async (request, reply) => sendNotFound(request, reply))

  function sendNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    counts.add(request, 'not-found')
    return sendError(reply, 20404)
  }
}

async function createMessage(
  api: TwilioApi,
  request: FastifyRequest<CreateMessage>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { counts, delivery } = api
  const form = request.body ?? {}
  const problem = validate(form, api.fromNumber)
  const fault: Fault =
    problem === null ? api.faults.pick(field(form, 'To') ?? '') : { mode: 'reject', errorCode: problem, delayMs: 0 }

  switch (fault.mode) {
    case 'reject':
      counts.add(request, 'rejected')
      return sendError(reply, fault.errorCode)
    case 'http-500':
      counts.add(request, 'server-error')
      return sendError(reply, 20500)
    case 'rate-limit':
      counts.add(request, 'rate-limited')
      return sendError(reply, 20429)
    case 'hang':
      counts.add(request, 'hung')
      delivery.later(HANG_MS, () => request.raw.socket.destroy())
      return reply.hijack()
    case 'drop-after-accept':
      counts.add(request, 'dropped-after-accept')
      accept(api, form, fault)
      request.raw.socket.destroy()
      return reply.hijack()
    case 'slow': {
      counts.add(request, 'accepted')
      const message = accept(api, form, fault)
      await new Promise<void>((resolve) => delivery.later(fault.delayMs, resolve))
      return reply.code(201).send(messageResource(api.accountSid, message))
    }
    case 'ok':
    case 'accepted-never-delivered':
    case 'undelivered':
    case 'no-receipts':
    case 'duplicate-receipts':
    case 'late-receipts':
      counts.add(request, 'accepted')
      return reply.code(201).send(messageResource(api.accountSid, accept(api, form, fault)))
  }
}

function accept(api: TwilioApi, form: Form, fault: Fault): Message {
  const message = api.store.add({
    direction: 'outbound-api',
    from: api.fromNumber,
    to: field(form, 'To') ?? '',
    body: field(form, 'Body') ?? '',
    statusCallback: field(form, 'StatusCallback') ?? null,
  })
  api.delivery.start(message, fault)
  return message
}

/** Twilio's error code for a request that it would not take, or null. */
function validate(form: Form, fromNumber: string): number | null {
  const to = field(form, 'To')
  const from = field(form, 'From')
  const body = field(form, 'Body')
  if (!to) return 21604
  if (!isPhoneNumber(to)) return 21211
  if (!from) return 21603
  if (from !== fromNumber) return 21606
  if (!body) return 21602
  if (body.length > MAX_BODY_CHARACTERS) return 21617
  const statusCallback = field(form, 'StatusCallback')
  if (statusCallback !== undefined && !/^https?:$/.test(URL.parse(statusCallback)?.protocol ?? '')) return 21609
  return null
}

function isAuthorized(request: FastifyRequest, { accountSid, authToken }: TwilioApi): boolean {
  const expected = Buffer.from(`Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`)
  const given = Buffer.from(request.headers.authorization ?? '')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

function sendError(reply: FastifyReply, code: number): FastifyReply {
  const body = twilioError(code)
  return reply.code(body.status).send(body)
}

function pageUri(accountSid: string, query: ListQuery, pageSize: number, page: number, token?: string): string {
  const params = new URLSearchParams()
  for (const name of ['To', 'From', 'DateSent', 'DateSent<', 'DateSent>']) {
    const value = query[name]
    if (value !== undefined) params.set(name, value)
  }
  params.set('PageSize', String(pageSize))
  params.set('Page', String(page))
  if (token !== undefined) params.set('PageToken', token)
  return `/2010-04-01/Accounts/${accountSid}/Messages.json?${params}`
}

function field(form: Form, name: string): string | undefined {
  const value = form[name]
  return Array.isArray(value) ? value[0] : value
}
