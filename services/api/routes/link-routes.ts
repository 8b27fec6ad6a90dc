import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Responder } from '../../core/escalation/people.ts'
import type { IncidentView, MessageLink } from '../../ports.ts'
import { ApiProblem } from '../errors.ts'
import { html, languageOf, sendPage, wordsOf } from '../pages/html.ts'
import type { Api, ApiDeps } from '../server-types.ts'

/** Nobody follows links faster; somebody who tries tokens does. */
const REQUESTS_PER_ADDRESS = 30
const WINDOW_MS = 60_000

const Params = Type.Object({ token: Type.String({ maxLength: 200 }) })

/**
 * The link in a message. Scanners open links, so a GET takes nothing: only the button's POST does. It shows no more
 * than the message itself said, and works without a script and without signing in.
 */
export async function linkRoutes(app: Api, deps: ApiDeps): Promise<void> {
  const limit = app.createRateLimit({ max: REQUESTS_PER_ADDRESS, timeWindow: WINDOW_MS })
  app.addHook('onRequest', async (request) => {
    const { isAllowed, ...use } = await limit(request)
    if (!isAllowed && 'isExceeded' in use && use.isExceeded) throw new ApiProblem('too-many-requests')
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
      const found = await findLink(deps, request.params.token)
      if (!found) return sendUnknown(request, reply)
      return sendIncident(reply, found, await deps.store.links.read(found.link), false)
    },
  )
  app.post(
    '/a/:token',
    { schema: { tags, summary: 'The button: I have it', params: Params, response: { 200: Type.String() } } },
    async (request, reply) => {
      const found = await findLink(deps, request.params.token)
      if (!found) return sendUnknown(request, reply)
      const { homeId, incidentId } = found.link
      const failed = await deps.submit(homeId, incidentId, { type: 'Acknowledge', by: found.by, via: 'link' }).then(
        () => false,
        (err) => {
          deps.log.error({ err, homeId, incidentId }, 'a take by link was not folded')
          return true
        },
      )
      return sendIncident(reply, found, await deps.store.links.read(found.link), failed)
    },
  )
}

type Found = { link: MessageLink; by: Responder }

async function findLink(deps: ApiDeps, token: string): Promise<Found | null> {
  const link = await deps.store.links.find(token)
  const by = link && (await deps.people.findResponder(link.homeId, link.recipient))
  return link && by ? { link, by } : null
}

function sendUnknown(request: FastifyRequest, reply: FastifyReply) {
  const words = wordsOf(languageOf(request.headers['accept-language']))
  return sendPage(reply, 404, words, words.link.title, html`<p>${words.link.unknown}</p>`)
}

function sendIncident(reply: FastifyReply, { by }: Found, view: IncidentView | null, failed: boolean) {
  const words = wordsOf(by.language)
  const { link } = words
  if (!view) return sendPage(reply, 404, words, link.title, html`<p>${link.unknown}</p>`)
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
