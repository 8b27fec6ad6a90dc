import Type, { type Static } from 'typebox'
import { ApiProblem } from '../errors.ts'
import { deviceJsons } from '../json.ts'
import { Device, DeviceIn, DeviceParams, HomeParams, listOf } from '../schemas.ts'
import type { Api, ApiDeps } from '../server-types.ts'
import { scopeFor } from '../session.ts'

const Placed = Type.Object({
  device: Device,
  username: Type.String(),
  password: Type.String({ description: 'shown this once' }),
})

export function deviceRoutes(app: Api, deps: ApiDeps): void {
  const { devices } = deps.store
  const tags = ['devices']
  app.get(
    '/homes/:id/devices',
    {
      schema: { tags, summary: 'What hangs in a home', params: HomeParams, response: { 200: listOf(Device) } },
      config: { right: 'read-devices' },
    },
    async (request) => {
      const scope = scopeFor(request)
      const list = await devices.list(scope, request.params.id)
      if (!list) throw new ApiProblem('not-found')
      return { items: deviceJsons(list, scope), nextCursor: null }
    },
  )
  app.post(
    '/homes/:id/devices',
    {
      schema: {
        tags,
        summary: 'Place a device; the answer holds its login at the broker, once',
        params: HomeParams,
        body: DeviceIn,
        response: { 201: Placed },
      },
      config: { right: 'change-devices' },
    },
    async (request, reply) => {
      const { id: deviceId, kind, room = null, gatewayId = null } = request.body
      const device = { deviceId, kind, room, gatewayId, ...speechOf(request.body) }
      const scope = scopeFor(request)
      const placed = await devices.place(scope, request.params.id, device)
      switch (placed.outcome) {
        case 'no-such-home':
          throw new ApiProblem('not-found')
        case 'already-exists':
          throw new ApiProblem(placed.outcome, { field: 'id' })
        case 'unknown-gateway':
          throw new ApiProblem(placed.outcome, { field: 'gatewayId' })
        case 'address-taken':
          throw new ApiProblem(placed.outcome, { field: 'address' })
        case 'too-many':
          throw new ApiProblem(placed.outcome)
        case 'placed': {
          const [json] = deviceJsons({ devices: [{ ...device, retired: false }], state: null }, scope)
          if (!json) throw new ApiProblem('internal')
          return reply.code(201).send({ device: json, username: placed.username, password: placed.password })
        }
      }
    },
  )
  app.post(
    '/homes/:id/devices/:deviceId/revoke',
    {
      schema: {
        tags,
        summary: 'Take a device off the wall: its login is refused from now on, and its connection ends',
        params: DeviceParams,
        response: { 204: Type.Null() },
      },
      config: { right: 'change-devices' },
    },
    async (request, reply) => {
      const { id, deviceId } = request.params
      if (!(await devices.revoke(scopeFor(request), id, deviceId))) throw new ApiProblem('not-found')
      return reply.code(204).send(null)
    },
  )
}

/** A native device has no address, any other has one: its topics do not say who it is. */
function speechOf({ convention = 'native', address = null }: Static<typeof DeviceIn>) {
  if (convention === 'native' && address === null) return {}
  if (convention === 'native' || address === null) throw new ApiProblem('address-of-convention', { field: 'address' })
  return { convention, address }
}
