import type { Api } from '../server-types.ts'

export type DocumentedRoute = { method: string; path: string }

/** Every route of the OpenAPI document, as `GET /api/v1/homes/{id}`. */
export function documentedRoutes(app: Api): DocumentedRoute[] {
  return Object.entries(app.swagger().paths ?? {}).flatMap(([path, methods]) =>
    Object.keys(methods ?? {}).map((method) => ({ method: method.toUpperCase(), path })),
  )
}
