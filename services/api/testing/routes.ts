import type { Api } from '../server-types.ts'

export type DocumentedRoute = { method: string; path: string }

/** Every route of the OpenAPI document, as `GET /api/v1/homes/{id}`. */
export function documentedRoutes(app: Api): DocumentedRoute[] {
  return Object.entries(app.swagger().paths ?? {}).flatMap(([path, methods]) =>
    Object.keys(methods ?? {}).map((method) => ({ method: method.toUpperCase(), path })),
  )
}

/** Every route that is really there, from the router's own tree; the HEAD beside a GET left out. */
export function servedRoutes(app: Api): DocumentedRoute[] {
  const path: string[] = []
  const routes: DocumentedRoute[] = []
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const match = /^((?:│ {3}| {4})*)(?:├── |└── )(.*?)(?: \(([A-Z, ]+)\))?$/.exec(line)
    if (!match) continue
    const depth = (match[1] ?? '').length / 4
    path.splice(depth, path.length, match[2] ?? '')
    const methods = (match[3] ?? '').split(', ').filter((method) => method !== '' && method !== 'HEAD')
    const address = path.join('').replace(/:(\w+)/g, '{$1}')
    routes.push(...methods.map((method) => ({ method, path: address })))
  }
  return routes
}
