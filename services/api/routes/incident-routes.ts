import { ApiProblem } from '../errors.ts'
import { incidentJson, timelineJson } from '../json.ts'
import { Incident, IncidentParams, IncidentQuery, IncidentWithTimeline, listOf, PAGE_DEFAULT } from '../schemas.ts'
import type { Api, ApiDeps } from '../server-types.ts'
import { scopeFor } from '../session.ts'

export function incidentRoutes(app: Api, deps: ApiDeps): void {
  const { incidents } = deps.store

  app.get(
    '/incidents',
    {
      schema: {
        tags: ['incidents'],
        summary: 'Incidents, newest first',
        querystring: IncidentQuery,
        response: { 200: listOf(Incident) },
      },
      config: { right: 'read-incidents' },
    },
    async (request) => {
      const { status, kind, homeId, from, to, cursor, limit } = request.query
      const scope = scopeFor(request)
      const filter = {
        statuses: status === undefined ? null : [status].flat(),
        kinds: kind === undefined ? null : [kind].flat(),
        homeId: homeId ?? null,
        fromMs: from === undefined ? null : Date.parse(from),
        toMs: to === undefined ? null : Date.parse(to),
      }
      const page = await incidents.list(scope, filter, { limit: limit ?? PAGE_DEFAULT, cursor: cursor ?? null })
      return { items: page.items.map((view) => incidentJson(view, scope)), nextCursor: page.nextCursor }
    },
  )

  app.get(
    '/incidents/:id',
    {
      schema: {
        tags: ['incidents'],
        summary: 'One incident with its whole story',
        params: IncidentParams,
        response: { 200: IncidentWithTimeline },
      },
      config: { right: 'read-incidents' },
    },
    async (request) => {
      const scope = scopeFor(request)
      const view = await incidents.read(scope, request.params.id)
      if (!view) throw new ApiProblem('not-found')
      return { ...incidentJson(view, scope), timeline: timelineJson(view.timeline, scope) }
    },
  )
}
