import Type, { type Static } from 'typebox'
import { readSettings } from '../../core/rules/index.ts'
import type { HomeChange } from '../../ports.ts'
import { ApiProblem } from '../errors.ts'
import { homeDetailJson, homeJson } from '../json.ts'
import {
  Home,
  HomeDetail,
  HomeParams,
  HomeSettingsIn,
  Language,
  listOf,
  NewId,
  Note,
  nullable,
  PAGE_DEFAULT,
  PageQuery,
  strict,
  Text,
  Time,
  TimeZone,
} from '../schemas.ts'
import type { Api, ApiDeps } from '../server-types.ts'
import { scopeFor } from '../session.ts'
import { isTimeZone } from '../time-zone.ts'

/** Longer than an installation takes; whoever forgets to end it has alarms marked as tests no longer than this. */
const TEST_MODE_MAX_MS = 4 * 3_600_000

const Changes = {
  label: Text,
  timeZone: TimeZone,
  language: Language,
  residentName: nullable(Text),
  address: nullable(Text),
  notes: nullable(Note),
  testModeUntil: nullable(Time),
  settings: HomeSettingsIn,
}
const HomePatch = Type.Object(Type.Partial(Type.Object(Changes)).properties, strict)
const HomeIn = Type.Object(
  {
    ...HomePatch.properties,
    id: NewId,
    label: Text,
    gridCellId: NewId,
    newGridCell: Type.Optional(Type.Object({ community: Text, name: Text }, strict)),
  },
  strict,
)

export function homeRoutes(app: Api, deps: ApiDeps): void {
  const { homes } = deps.store
  app.get(
    '/homes',
    {
      schema: {
        tags: ['homes'],
        summary: 'The homes that are yours',
        querystring: Type.Object(PageQuery),
        response: { 200: listOf(Home) },
      },
      config: { right: 'read-homes' },
    },
    async (request) => {
      const { limit, cursor } = request.query
      const scope = scopeFor(request)
      const page = await homes.list(scope, { limit: limit ?? PAGE_DEFAULT, cursor: cursor ?? null })
      return { items: page.items.map((home) => homeJson(home, scope)), nextCursor: page.nextCursor }
    },
  )
  app.get(
    '/homes/:id',
    {
      schema: { tags: ['homes'], summary: 'One home', params: HomeParams, response: { 200: HomeDetail } },
      config: { right: 'read-homes' },
    },
    async (request) => {
      const scope = scopeFor(request)
      const home = await homes.read(scope, request.params.id)
      if (!home) throw new ApiProblem('not-found')
      return homeDetailJson(home, scope)
    },
  )
  changeHomeRoutes(app, deps)
}

function changeHomeRoutes(app: Api, deps: ApiDeps): void {
  const { homes } = deps.store
  app.post(
    '/homes',
    {
      schema: {
        tags: ['homes'],
        summary: 'Take in a home; `newGridCell` makes its cell where there is none',
        body: HomeIn,
        response: { 201: HomeDetail },
      },
      config: { right: 'create-homes' },
    },
    async (request, reply) => {
      const scope = scopeFor(request)
      const { id: homeId, gridCellId, newGridCell, label, ...rest } = request.body
      const change = readChange(rest, deps.clock.now())
      const asked = { ...change, homeId, label, gridCellId, newGridCell: newGridCell ?? null }
      const outcome = await homes.create(scope, asked)
      if (outcome === 'already-exists') throw new ApiProblem(outcome, { field: 'id' })
      if (outcome === 'unknown-grid-cell') throw new ApiProblem(outcome, { field: 'gridCellId' })
      const home = await homes.read(scope, homeId)
      if (!home) throw new ApiProblem('not-found')
      return reply.code(201).send(homeDetailJson(home, scope))
    },
  )
  app.patch(
    '/homes/:id',
    {
      schema: {
        tags: ['homes'],
        summary: 'Change a home; `settings` replaces all overrides of the rules’ defaults',
        params: HomeParams,
        body: HomePatch,
        response: { 200: HomeDetail },
      },
      config: { right: 'change-homes' },
    },
    async (request) => {
      const scope = scopeFor(request)
      const change = readChange(request.body, deps.clock.now())
      const changed = await homes.change(scope, request.params.id, change)
      const home = changed ? await homes.read(scope, request.params.id) : null
      if (!home) throw new ApiProblem('not-found')
      return homeDetailJson(home, scope)
    },
  )
}

/** What a schema cannot say: the time zone exists, test mode ends in time, settings fit together. */
function readChange(body: Static<typeof HomePatch>, nowMs: number): HomeChange {
  const { timeZone, testModeUntil, settings, ...rest } = body
  if (timeZone !== undefined && !isTimeZone(timeZone)) throw new ApiProblem('invalid-field', { field: 'timeZone' })
  const testUntilMs = typeof testModeUntil === 'string' ? Date.parse(testModeUntil) : testModeUntil
  if (typeof testUntilMs === 'number' && testUntilMs > nowMs + TEST_MODE_MAX_MS) {
    throw new ApiProblem('invalid-field', { field: 'testModeUntil', detail: 'at most 4 h from now' })
  }
  const problem = readSettings(settings ?? {}).problems[0]
  if (problem) throw new ApiProblem('invalid-field', { field: `settings.${problem.name}`, detail: problem.code })
  return { ...rest, timeZone, testModeUntil: testUntilMs, settings: settings as Record<string, number> | undefined }
}
