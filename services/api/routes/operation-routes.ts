import Type from 'typebox'
import type { Api, ApiDeps } from '../server-types.ts'

const Check = Type.Object({
  name: Type.String(),
  ok: Type.Boolean(),
  detail: Type.Optional(Type.Record(Type.String(), Type.Union([Type.Number(), Type.String()]))),
})
const Ready = Type.Object({ ready: Type.Boolean(), checks: Type.Array(Check) })

/** For supervisors and Prometheus. No personal data: they are open to whoever reaches the port. */
export function operationRoutes(app: Api, deps: Pick<ApiDeps, 'readiness' | 'metricsText'>): void {
  app.get(
    '/healthz',
    {
      schema: {
        tags: ['operation'],
        summary: 'Alive',
        response: { 200: Type.Object({ status: Type.Literal('ok') }) },
      },
    },
    async () => ({ status: 'ok' as const }),
  )
  app.get(
    '/readyz',
    {
      schema: {
        tags: ['operation'],
        summary: 'Each dependency, the lag of each reader, the age of the last sweep',
        response: { 200: Ready, 503: Ready },
      },
    },
    async (_request, reply) => {
      const readiness = await deps.readiness()
      return reply.code(readiness.ready ? 200 : 503).send(readiness)
    },
  )
  app.get(
    '/metrics',
    { schema: { tags: ['operation'], summary: 'Prometheus', response: { 200: Type.String() } } },
    async (_request, reply) => reply.type('text/plain; version=0.0.4; charset=utf-8').send(await deps.metricsText()),
  )
}
