import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import type { Responder } from '../../core/escalation/people.ts'
import type { FoldVerdict } from '../../core/incident/effect.ts'
import type { IncidentView, MessageLink, NewInput } from '../../ports.ts'
import { ApiProblem, createErrorHandler } from '../errors.ts'
import { languageOf } from '../pages/html.ts'
import { LINK_SAYINGS, sendIncident, sendNotice } from '../pages/link-page.ts'
import type { Api, ApiDeps } from '../server-types.ts'

/** Links that nobody gave out, from one address: who tries tokens is stopped, a family behind one carrier's address never. */
const WRONG_PER_ADDRESS = 30
const WINDOW_MS = 60_000
/** As linkToken makes them; anything else is wrong without a look into the database. */
const TOKEN = /^[\w-]{20}$/
/** Each step of an answer takes no longer: who stands in a doorway with a phone in the hand is told that it did not work. */
const ANSWER_WITHIN_MS = 3_000

const Params = Type.Object({ token: Type.String({ maxLength: 200 }) })
/** What a button's form says; whatever else comes with it is not read. */
const Form = Type.Object({
  say: Type.Optional(Type.Enum([...LINK_SAYINGS])),
  seen: Type.Optional(Type.Literal('yes')),
})

/**
 * The link in a message. Scanners open links, so a GET changes nothing: only a button's POST does. It needs no script and
 * no signing in, for a neighbour with a key has no other page.
 */
export async function linkRoutes(app: Api, deps: ApiDeps): Promise<void> {
  const limit = app.createRateLimit({ max: WRONG_PER_ADDRESS, timeWindow: WINDOW_MS })
  async function refuse(request: FastifyRequest, reply: FastifyReply) {
    const { isAllowed, ...use } = await limit(request)
    const tooMany = !isAllowed && 'isExceeded' in use && use.isExceeded
    if (!tooMany) return notice(request, reply, 404, 'unknown')
    return notice(request, reply.header('retry-after', String(WINDOW_MS / 1_000)), 429, 'tooMany')
  }
  const refuseOther = createErrorHandler(deps.log)
  app.setErrorHandler((error: FastifyError | ApiProblem, request, reply) => {
    const isTheirs = error instanceof ApiProblem || (error.statusCode !== undefined && error.statusCode < 500)
    if (isTheirs) return refuseOther(error, request, reply)
    deps.log.error({ err: error, route: '/a/:token', method: request.method }, 'a link could not be answered')
    return notice(request, reply, 503, request.method === 'POST' ? 'failed' : 'away')
  })
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )
  const tags = ['link in a message']
  app.get(
    '/a/:token',
    {
      schema: {
        tags,
        summary: 'How it stands, with what its reader may say to it',
        params: Params,
        response: { 200: Type.String() },
      },
    },
    async (request, reply) => {
      const shown = await inTime(look(deps, request.params.token))
      return shown ? sendIncident(reply, shown.by, shown.view, null) : refuse(request, reply)
    },
  )
  app.post(
    '/a/:token',
    {
      schema: {
        tags,
        summary: 'A button: I have it, or what the taker says',
        params: Params,
        response: { 200: Type.String() },
      },
    },
    async (request, reply) => {
      const { token } = request.params
      const form = request.body ?? {}
      if (!Value.Check(Form, form)) throw new ApiProblem('invalid-request')
      const found = await inTime(findLink(deps, token))
      if (!found) return refuse(request, reply)
      const trouble = await answer(deps, found, form)
      // A reload asks how it stands, and says nothing again.
      if (trouble === null) return reply.redirect(`/a/${token}`, 303)
      const shown = await inTime(look(deps, token))
      return shown ? sendIncident(reply, shown.by, shown.view, trouble) : refuse(request, reply)
    },
  )
}

function notice(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  what: 'unknown' | 'failed' | 'away' | 'tooMany',
) {
  return sendNotice(reply, { status, language: languageOf(request.headers['accept-language']), what })
}

/** Folds what was pressed. @returns why it came to nothing, null when it did not */
async function answer(deps: ApiDeps, { link, by }: Found, form: Static<typeof Form>) {
  const { homeId, incidentId } = link
  const closes = form.say === 'real' || form.say === 'false-alarm'
  try {
    if (closes && form.seen !== 'yes') return 'seenNeeded'
    // The page of whoever has it no longer is an old one.
    if (closes && (await inTime(deps.store.links.read(link)))?.incident.takenBy?.ref !== by.ref) return 'notYours'
    const verdict: FoldVerdict = await inTime(deps.submit(homeId, incidentId, inputOf(by, form), { via: 'link' }))
    return verdict.type === 'notAllowed' && verdict.reason === 'not-the-taker' ? 'notYours' : null
  } catch (err) {
    deps.log.error({ err, homeId, incidentId }, 'an answer by link was not folded')
    return 'failed'
  }
}

function inputOf(by: Responder, { say = 'take', seen }: Static<typeof Form>): NewInput {
  switch (say) {
    case 'take':
      return { type: 'Acknowledge', by, via: 'link' }
    case 'still-on-it':
      return { type: 'StillOnIt', by }
    case 'arrived':
      return { type: 'Arrived', by, via: 'link' }
    case 'cannot':
      return { type: 'CannotCome', by, via: 'link' }
    case 'real':
    case 'false-alarm':
      return { type: 'Resolve', by, outcome: say, note: null, personSeenOrHeard: seen === 'yes' }
  }
}

/** @throws when it takes longer than a person waits; what goes on may still be done */
async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), ANSWER_WITHIN_MS)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

type Found = { link: MessageLink; by: Responder }

type Shown = Found & { view: IncidentView }

async function findLink(deps: ApiDeps, token: string): Promise<Found | null> {
  const link = TOKEN.test(token) ? await deps.store.links.find(token) : null
  const by = link && (await deps.people.findResponder(link.homeId, link.recipient))
  return link && by ? { link, by } : null
}

async function look(deps: ApiDeps, token: string): Promise<Shown | null> {
  const found = await findLink(deps, token)
  const view = found && (await deps.store.links.read(found.link))
  return found && view ? { ...found, view } : null
}
