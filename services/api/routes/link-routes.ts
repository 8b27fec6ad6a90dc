import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Responder } from '../../core/escalation/people.ts'
import type { IncidentView, MessageLink } from '../../ports.ts'
import { createErrorHandler } from '../errors.ts'
import { html, languageOf, sendPage, wordsOf } from '../pages/html.ts'
import type { Api, ApiDeps } from '../server-types.ts'

/** Links that nobody gave out, from one address: who tries tokens is stopped, a family behind one carrier's address never. */
const WRONG_PER_ADDRESS = 30
const WINDOW_MS = 60_000
/** As linkToken makes them; anything else is wrong without a look into the database. */
const TOKEN = /^[\w-]{20}$/
/** Who stands in a doorway with a phone in the hand is told by then that it did not work. */
const ANSWER_WITHIN_MS = 3_000

const Params = Type.Object({ token: Type.String({ maxLength: 200 }) })

/**
 * The link in a message. Scanners open links, so a GET takes nothing: only the button's POST does. It shows no more
 * than the message itself said, and works without a script and without signing in.
 */
export async function linkRoutes(app: Api, deps: ApiDeps): Promise<void> {
  const limit = app.createRateLimit({ max: WRONG_PER_ADDRESS, timeWindow: WINDOW_MS })
  async function refuse(request: FastifyRequest, reply: FastifyReply) {
    const { isAllowed, ...use } = await limit(request)
    const tooMany = !isAllowed && 'isExceeded' in use && use.isExceeded
    if (!tooMany) return sendNotice(request, reply, 404, 'unknown')
    return sendNotice(request, reply.header('retry-after', String(WINDOW_MS / 1_000)), 429, 'tooMany')
  }
  const refuseOther = createErrorHandler(deps.log)
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error.statusCode !== undefined && error.statusCode < 500) return refuseOther(error, request, reply)
    deps.log.error({ err: error, route: '/a/:token', method: request.method }, 'a link could not be answered')
    return sendNotice(request, reply, 503, request.method === 'POST' ? 'failed' : 'away')
  })
  // The button's form has no fields; whatever else comes with it is not read.
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, _body, done) =>
    done(null, {}),
  )
  const tags = ['link in a message']
  app.get(
    '/a/:token',
    { schema: { tags, summary: 'A page with one button', params: Params, response: { 200: Type.String() } } },
    async (request, reply) => {
      const shown = await inTime(look(deps, request.params.token))
      return shown ? sendIncident(reply, shown, false) : refuse(request, reply)
    },
  )
  app.post(
    '/a/:token',
    { schema: { tags, summary: 'The button: I have it', params: Params, response: { 200: Type.String() } } },
    async (request, reply) => {
      const { token } = request.params
      const found = await inTime(findLink(deps, token))
      if (!found) return refuse(request, reply)
      const { homeId, incidentId } = found.link
      const failed = await inTime(
        deps.submit(homeId, incidentId, { type: 'Acknowledge', by: found.by, via: 'link' }),
      ).then(
        () => false,
        (err) => {
          deps.log.error({ err, homeId, incidentId }, 'a take by link was not folded')
          return true
        },
      )
      const shown = await inTime(look(deps, token))
      return shown ? sendIncident(reply, shown, failed) : refuse(request, reply)
    },
  )
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

/** Nothing but what happened and whom to call: for whom we do not know, or cannot look up. */
function sendNotice(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  what: 'unknown' | 'failed' | 'away' | 'tooMany',
) {
  const words = wordsOf(languageOf(request.headers['accept-language']))
  const { link } = words
  const again = html`<form method="post"><button type="submit">${link.button}</button></form>`
  return sendPage(
    reply,
    status,
    words,
    link.title,
    html`<p role="alert">${link[what]}</p>
${what === 'failed' ? again : ''}
${what === 'unknown' ? '' : html`<p>${link.emergency}</p>`}`,
  )
}

function sendIncident(reply: FastifyReply, { by, view }: Shown, failed: boolean) {
  const words = wordsOf(by.language)
  const { link } = words
  const { incident, homeLabel } = view
  const about = link.about(homeLabel ?? '', link.kinds[incident.kind], incident.sources.at(-1)?.room ?? null)
  return sendPage(
    reply,
    failed ? 503 : 200,
    words,
    link.title,
    html`<p class="about">${about}</p>
${failed ? html`<p role="alert">${link.failed}</p>` : ''}
${standing(view, by, words)}
<p>${link.emergency}</p>`,
  )
}

function standing({ incident }: IncidentView, by: Responder, { link }: ReturnType<typeof wordsOf>) {
  const { status, takenBy, handOverTo } = incident
  const button = html`<form method="post"><button type="submit">${link.button}</button></form>`
  if (status === 'resolved') return html`<p role="status">${link.over}</p>`
  if (!takenBy) return html`<p role="status">${link.nobody}</p>${button}`
  if (takenBy.ref === by.ref) return html`<p role="status">${link.youHave}</p>`
  return html`<p role="status">${link.has(takenBy.name)}</p>${handOverTo === by.ref ? button : ''}`
}
