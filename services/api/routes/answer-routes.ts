import type { FastifyRequest } from 'fastify'
import Type, { type TSchema } from 'typebox'
import type { Responder } from '../../core/escalation/people.ts'
import type { FoldVerdict } from '../../core/incident/effect.ts'
import type { NewInput } from '../../ports.ts'
import { ApiProblem } from '../errors.ts'
import { incidentJson, takenByJson, timelineJson } from '../json.ts'
import { IncidentParams, IncidentWithTimeline, Note, Outcome, strict, Text } from '../schemas.ts'
import type { Api, ApiDeps } from '../server-types.ts'
import { scopeFor, viewerOf } from '../session.ts'

/** What people say to an incident. Each is folded before it is answered, and answered with the incident as it then is. */

const Nothing = Type.Object({}, strict)
const Resolution = Type.Object(
  {
    outcome: Outcome,
    note: Type.Optional(Type.String({ maxLength: 2_000, pattern: '^[^\\u0000]*$' })),
    personSeenOrHeard: Type.Optional(Type.Boolean({ description: 'required to close a critical incident' })),
  },
  strict,
)

export function answerRoutes(app: Api, deps: ApiDeps): void {
  const say = answering(deps)
  app.post(
    '/incidents/:id/acknowledge',
    route('I have it; the same person again changes nothing', Nothing),
    (request) => say(request, request.params.id, (by) => ({ type: 'Acknowledge', by, via: 'api' })),
  )
  app.post('/incidents/:id/join', route('I come too', Nothing), (request) =>
    say(request, request.params.id, (by) => ({ type: 'Join', by })),
  )
  app.post('/incidents/:id/arrived', route('I am there', Nothing), (request) =>
    say(request, request.params.id, (by) => ({ type: 'Arrived', by })),
  )
  app.post('/incidents/:id/resolve', route('It is over', Resolution), (request) => {
    const { outcome, note, personSeenOrHeard } = request.body
    return say(request, request.params.id, (by) => ({
      type: 'Resolve',
      by,
      outcome,
      note: note === undefined || note === '' ? null : note,
      personSeenOrHeard: personSeenOrHeard ?? false,
    }))
  })
  app.post('/incidents/:id/notes', route('Write something down', Type.Object({ text: Note }, strict)), (request) => {
    const { text } = request.body
    return say(request, request.params.id, (by) => ({ type: 'Note', by, text }))
  })
  app.post(
    '/incidents/:id/handover',
    route('Ask another person to take it over', Type.Object({ to: Text }, strict)),
    (request) =>
      say(request, request.params.id, async (by, homeId) => ({
        type: 'HandOver',
        by,
        to: await personToAsk(deps, homeId, request.body.to),
      })),
  )
}

function route<Body extends TSchema>(summary: string, body: Body) {
  return {
    schema: {
      tags: ['incidents'],
      summary,
      params: IncidentParams,
      body,
      response: { 200: IncidentWithTimeline },
    },
    config: { right: 'answer-incidents' as const },
  }
}

function answering(deps: ApiDeps) {
  const { incidents } = deps.store
  return async (
    request: FastifyRequest,
    incidentId: string,
    inputOf: (by: Responder, homeId: string) => NewInput | Promise<NewInput>,
  ) => {
    const scope = scopeFor(request)
    const found = await incidents.find(scope, incidentId)
    if (!found) throw new ApiProblem('not-found')
    const { homeId } = found
    const actor = `user:${viewerOf(request).userId}`
    const by = await deps.people.findResponder(homeId, actor)
    if (!by) throw new ApiProblem('not-permitted')
    const verdict = await deps.submit(homeId, incidentId, await inputOf(by, homeId), { actor })
    const view = await incidents.read(scope, incidentId)
    if (!view) throw new ApiProblem('not-found')
    refuse(verdict, view.userOf)
    return { ...incidentJson(view, scope), timeline: timelineJson(view.timeline, scope) }
  }
}

/** Nothing when it was accepted. */
function refuse(verdict: FoldVerdict, userOf: Record<string, string>): void {
  switch (verdict.type) {
    case 'accepted':
      return
    case 'alreadyTaken':
      throw new ApiProblem('already-taken', { takenBy: takenByJson(verdict.by, { userOf }) })
    case 'alreadyResolved':
      throw new ApiProblem('already-resolved', { outcome: verdict.outcome })
    case 'notListed':
      throw new ApiProblem('not-permitted')
    case 'notAllowed':
      switch (verdict.reason) {
        case 'person-not-seen':
          throw new ApiProblem('person-not-seen', { field: 'personSeenOrHeard' })
        case 'not-the-taker':
        case 'not-taken':
          throw new ApiProblem(verdict.reason)
        case 'no-incident':
          throw new ApiProblem('not-found')
      }
  }
}

/** @param to `user:<id>`, `contact:<id>`, or a user's id alone */
async function personToAsk(deps: ApiDeps, homeId: string, to: string): Promise<Responder> {
  const ref = to.includes(':') ? to : `user:${to}`
  const userId = ref.startsWith('user:') ? ref.slice('user:'.length) : null
  const may = userId === null || (await deps.store.incidents.mayAnswer(userId, homeId))
  const person = may ? await deps.people.findResponder(homeId, ref) : null
  if (!person) throw new ApiProblem('unknown-person', { field: 'to' })
  return person
}
